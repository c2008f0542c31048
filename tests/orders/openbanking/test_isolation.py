"""No client reaches what is another's: every operation of the catalogue that names something.

Foreign and unknown get the same refusal: class, status, code and words.
"""

import itertools
from typing import Any

import pytest
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

from bankside import catalog
from bankside.identity.consents import ConsentStatus
from bankside.kernel.errors import BanksideError

NAMED = [
    each.id.removeprefix("open-banking.")
    for each in catalog.load().open_banking.operations
    if "{" in each.path
]
UNKNOWN = {
    "ConsentId": "cns_00000000000000000000000000",
    "AccountId": "acc_00000000000000000000000000",
    "DomesticPaymentId": "ord_00000000000000000000000000",
    "DomesticVRPId": "ord_00000000000000000000000000",
}
ODD = ("x", "no such id", "a/b", "\u0661", "' or 1=1", "A" * 120)


class Things:
    """Everything one client of the bank has: an id of each kind, and the grants behind them."""

    def __init__(self) -> None:
        self.ids: dict[tuple[str, str], str] = {}
        self.grants: dict[str, str] = {}
        self.reading = ""

    @classmethod
    async def of(cls, ob: OpenBank) -> "Things":
        things = cls()
        payer, payee = await ob.bank.account("50.00"), await ob.bank.account()
        bodies = {
            "account-access-consents": {"Data": {"Permissions": PERMISSIONS}, "Risk": {}},
            "domestic-payment-consents": consent_body(a_payment(payee)),
            "domestic-vrp-consents": limits_body(payee, ("Day", "Calendar", "9.00")),
            "funds-confirmation-consents": {"Data": {"DebtorAccount": account_of(payer)}},
        }
        for noun, body in bodies.items():
            consent = (await ob.data(f"{noun}.create", body))["ConsentId"]
            things.ids[noun, "ConsentId"] = consent
            things.grants[noun] = await ob.say_yes(consent, payer)
        things.reading = things.grants["account-access-consents"]
        spent = (await ob.data("domestic-payment-consents.create", consent_body(a_payment(payee))))[
            "ConsentId"
        ]
        grant = await ob.say_yes(spent, payer)
        paid = await ob.data(
            "domestic-payments.create", payment_body(spent, a_payment(payee)), grant=grant
        )
        things.ids["domestic-payments", "DomesticPaymentId"] = paid["DomesticPaymentId"]
        consent = things.ids["domestic-vrp-consents", "ConsentId"]
        made = await ob.data(
            "domestic-vrps.create",
            recurring_body(consent, payee, "1.00"),
            grant=things.grants["domestic-vrp-consents"],
        )
        things.ids["domestic-vrps", "DomesticVRPId"] = made["DomesticVRPId"]
        things.ids["accounts", "AccountId"] = payer.id
        return things

    def grant_for(self, name: str) -> str:
        """A grant that lets its owner's call in, so that only the id decides."""
        return self.grants.get(name.partition(".")[0], self.reading)


def hole_of(name: str) -> str:
    path = catalog.load().operations[f"open-banking.{name}"].path
    return path.partition("{")[2].partition("}")[0]


def body_for(name: str, consent: str) -> Any:
    if name != "domestic-vrp-consents.funds":
        return None
    money = {"Amount": "1.00", "Currency": "CNY"}
    return {"Data": {"ConsentId": consent, "Reference": "R", "InstructedAmount": money}}


async def refusal(ob: OpenBank, name: str, number: str, grant: str | None) -> tuple[Any, ...]:
    with pytest.raises(BanksideError) as found:
        await ob.call(name, body_for(name, number), grant=grant, path=number)
    error = found.value
    return type(error), error.status, error.code, error.detail, error.uk_code


async def test_what_is_anothers_is_as_unknown_as_what_does_not_exist(open_bank: OpenBank) -> None:
    ob = open_bank
    theirs = await Things.of(ob)
    stranger = await OpenBank.open(ob.bank.pool, ob.bank.books, ob.bank.clock)
    # A client of the same bank, with a customer of the same bank, and one of another bank.
    neighbour = OpenBank(ob.bank, ob.neighbour, ob.client)
    for caller in (neighbour, stranger):
        mine = await Things.of(caller)
        for name in NAMED:
            hole, grant = hole_of(name), mine.grant_for(name)
            grant_needed = catalog.load().operations[f"open-banking.{name}"].access == "customer"
            used = grant if grant_needed else None
            unknown = await refusal(caller, name, UNKNOWN[hole], used)
            assert unknown[1] == 404, name
            foreign = [each for (_, kind), each in theirs.ids.items() if kind == hole]
            assert foreign
            for number in itertools.chain(foreign, ODD):
                assert await refusal(caller, name, number, used) == unknown, (name, number)


async def test_a_grant_opens_only_its_own_kind(open_bank: OpenBank) -> None:
    ob = open_bank
    mine = await Things.of(ob)
    account = mine.ids["accounts", "AccountId"]

    for noun, grant in mine.grants.items():
        for name in ("accounts.list", "accounts.query", "transactions.list", "party.query"):
            if noun == "account-access-consents":
                await ob.call(name, grant=grant, path=account)
                continue
            with pytest.raises(BanksideError) as found:
                await ob.call(name, grant=grant, path=account)
            assert found.value.status == 403, (noun, name)


async def test_every_change_is_told_once_and_in_its_order(open_bank: OpenBank) -> None:
    ob = open_bank
    mine = await Things.of(ob)
    for noun in ("account-access-consents", "domestic-vrp-consents"):
        await ob.call(f"{noun}.revoke", path=mine.ids[noun, "ConsentId"])

    rows = await ob.bank.pool.fetch(
        "select object_id, object_seq, type, body ->> 'status' as status from kernel.outbox"
        " where partner_id = $1 and type like 'identity.consent.%'"
        " order by object_id, object_seq",
        ob.bank.partner,
    )
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(row["object_id"], []).append(row["type"].rpartition(".")[2])
        assert row["object_seq"] == len(told[row["object_id"]])

    assert told[mine.ids["account-access-consents", "ConsentId"]] == [
        "requested",
        "authorised",
        "terminated",
    ]
    assert told[mine.ids["domestic-payment-consents", "ConsentId"]] == ["requested", "authorised"]
    assert sorted(told.values()).count(["requested", "authorised", "consumed"]) == 1
    for consent, facts in told.items():
        found = await ob.consent(consent)
        assert found.version == len(facts)
        assert found.status is not ConsentStatus.EXPIRED
