"""Whatever a body holds, it is answered or refused by its member; only what was agreed to moves."""

import copy
import random
from collections.abc import Iterator
from typing import Any

from tests.orders.openbanking.every_answer import PERMISSIONS
from tests.orders.openbanking.open_bank import (
    OpenBank,
    a_payment,
    account_of,
    consent_body,
    limits_body,
    payment_body,
    recurring_body,
)

from bankside.identity.consents import ConsentStatus
from bankside.kernel.call import Answer
from bankside.kernel.errors import BanksideError, Unavailable

CASES_A_BODY = 60
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, float("1e300"), "", " ", "\x00", "\ud800", "\u202e", "x" * 5000,
    "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "10.", ".5",
    "00000000000001.00", "９.00", [], [[]], {}, {"": ""}, ["ReadAccountsBasic", None],
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a body that something else can be put in."""
    if path:
        yield path
    if isinstance(node, dict):
        for name, each in node.items():
            yield from places(each, (*path, name))
    elif isinstance(node, list):
        for index, each in enumerate(node):
            yield from places(each, (*path, index))


def changed(body: Any, chance: random.Random) -> Any:
    """The body with one place dropped, doubled under another name, or holding something odd."""
    made = copy.deepcopy(body)
    path = chance.choice(list(places(body)))
    node = made
    for step in path[:-1]:
        node = node[step]
    last = path[-1]
    act = chance.randrange(4)
    if act == 0:
        del node[last]
    elif act == 1 and isinstance(node, dict):
        node[chance.choice(["Extra", "__proto__", "\x00", "a" * 300])] = node[last]
    else:
        node[last] = chance.choice(ODD)
    return made


async def test_hostile_bodies_are_refused_and_move_only_what_was_agreed_to(
    open_bank: OpenBank,
) -> None:
    ob, chance = open_bank, random.Random(7)
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    consents = {
        "account-access-consents.create": {"Data": {"Permissions": PERMISSIONS}, "Risk": {}},
        "domestic-payment-consents.create": consent_body(a_payment(payee)),
        "domestic-vrp-consents.create": limits_body(payee, ("Day", "Calendar", "9.00")),
        "funds-confirmation-consents.create": {"Data": {"DebtorAccount": account_of(payer)}},
    }
    grants: dict[str, str] = {}
    ids: dict[str, str] = {}
    for name, body in consents.items():
        ids[name] = (await ob.data(name, body))["ConsentId"]
        grants[name] = await ob.say_yes(ids[name], payer)
    single, limits = "domestic-payment-consents.create", "domestic-vrp-consents.create"
    payments = {
        "domestic-payments.create": (payment_body(ids[single], a_payment(payee)), single),
        "domestic-vrps.create": (recurring_body(ids[limits], payee, "1.00"), limits),
    }
    refused = 0
    for name, body in consents.items():
        for _ in range(CASES_A_BODY):
            refused += await _refused(ob, name, changed(body, chance))
    for name, (body, of) in payments.items():
        for _ in range(CASES_A_BODY):
            made = changed(body, chance)
            if made != body:
                refused += await _refused(ob, name, made, grant=grants[of])

    assert refused > CASES_A_BODY * 4
    (left,) = await ob.bank.money(payer.ledger_account)
    once = (await ob.consent(ids[single])).status is ConsentStatus.CONSUMED
    counted = await ob.bank.pool.fetchval(
        "select coalesce(sum(spent), 0) from identity.consent_spending where partner_id = $1",
        ob.bank.partner,
    )
    assert 10000 - left == (1050 if once else 0) + counted
    assert counted <= 900


async def _refused(ob: OpenBank, name: str, body: Any, **more: Any) -> bool:
    try:
        answer = await ob.call(name, body, **more)
    except BanksideError as error:
        assert not isinstance(error, Unavailable), (name, body)
        assert 400 <= error.status < 500
        assert all(len(each["pointer"]) <= 500 for each in error.errors)
        return True
    assert isinstance(answer, Answer)
    return False
