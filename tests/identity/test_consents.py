"""Consents: one life cycle, one state function, payments bound to the last digit, no way across."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.identity.builders import (
    PAYMENT,
    READS,
    an_owner,
    asks_access,
    asks_payment,
    awaiting,
    yes,
)

from bankside.bank import accounts as bank_accounts
from bankside.identity.consents import (
    Consent,
    ConsentAccountsInvalid,
    ConsentChanged,
    ConsentExists,
    ConsentInvalid,
    ConsentNotActive,
    ConsentNotEnough,
    ConsentStatus,
    ConsentTransitionRefused,
    ConsentUnknown,
    PaymentDiffers,
    Permission,
    active_consent,
    allows,
    authorise_consent,
    consent,
    consents_of,
    consume_consent,
    effective_status,
    record_expiries,
    record_use,
    reject_consent,
    request_consent,
    revoke_consent,
    terms_digest,
)
from bankside.identity.consents.model import moved
from bankside.identity.consents.rules import ACCESS_TTL_MAX, ANSWER_TTL, PAYMENT_TTL_MAX
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.errors import BanksideError
from bankside.kernel.ids import CustomerId
from bankside.kernel.money import Money

S = ConsentStatus
FINAL = {S.CONSUMED, S.REJECTED, S.REVOKED, S.TERMINATED, S.EXPIRED}
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


async def given_access(
    db: Connection, clock: FixedClock, partner: str = "prt_a"
) -> tuple[Consent, CustomerId, list[bank_accounts.Account]]:
    """An authorised consent for the first of a customer's two accounts."""
    customer, accounts = await an_owner(db, clock, partner)
    waiting, request = await awaiting(db, clock, asks_access(partner))
    agreed = await authorise_consent(
        db, clock, partner, waiting.id, yes(request, customer, accounts[0])
    )
    return agreed, customer, accounts


async def given_payment(
    db: Connection, clock: FixedClock, partner: str = "prt_a"
) -> tuple[Consent, CustomerId]:
    """An authorised consent for one payment."""
    customer, accounts = await an_owner(db, clock, partner)
    waiting, request = await awaiting(db, clock, asks_payment(partner))
    said = yes(request, customer, accounts[0])
    return await authorise_consent(db, clock, partner, waiting.id, said), customer


async def events_of(db: Connection, consent_id: str) -> list[tuple[int, str, str]]:
    rows = await db.fetch(
        "select object_seq, type, body ->> 'status' as status from kernel.outbox"
        " where object_id = $1 order by object_seq",
        consent_id,
    )
    return [(row["object_seq"], row["type"], row["status"]) for row in rows]


@pytest.mark.parametrize("status", S)
def test_final_states_lead_nowhere_and_others_only_along_the_table(status: ConsentStatus) -> None:
    reached = set()
    for to in S:
        with suppress(ConsentTransitionRefused):
            reached.add(moved(status, to))

    assert (not reached) == (status in FINAL)
    assert S.AWAITING_AUTHORISATION not in reached
    assert (S.REVOKED in reached) == (S.CONSUMED in reached) == (status is S.AUTHORISED)


@given(
    st.sampled_from(S),
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.timedeltas(timedelta(days=-1), timedelta(days=401)),
    st.integers(-14, 14),
)
def test_what_a_consent_is_worth_depends_on_the_instant_alone(
    stored: ConsentStatus, answer: timedelta, valid: timedelta, past: timedelta, zone: int
) -> None:
    limits: dict[str, Any] = {"answer_by": AT + answer, "valid_until": AT + valid}
    at = AT + past

    status = effective_status(stored, at=at, **limits)

    elsewhere = timezone(timedelta(hours=zone))
    moved_limits = {name: value.astimezone(elsewhere) for name, value in limits.items()}
    assert effective_status(stored, at=at.astimezone(elsewhere), **moved_limits) is status
    if stored in FINAL:
        assert status is stored
    elif stored is S.AUTHORISED:
        assert status is (S.EXPIRED if past >= valid else stored)
    else:
        assert status is (S.EXPIRED if past >= min(answer, valid) else stored)
    # Once run out it stays so.
    if status is S.EXPIRED:
        assert effective_status(stored, at=at + timedelta(days=9), **limits) is S.EXPIRED


def test_at_its_last_instant_a_consent_counts_and_at_its_end_it_does_not() -> None:
    end = AT + timedelta(days=1)
    limits = {"answer_by": AT, "valid_until": end}

    before = effective_status(S.AUTHORISED, at=end - timedelta(microseconds=1), **limits)

    assert before is S.AUTHORISED
    assert effective_status(S.AUTHORISED, at=end, **limits) is S.EXPIRED


async def test_a_customer_allows_one_account_and_no_other(
    db: Connection, clock: FixedClock
) -> None:
    agreed, _, (first, second) = await given_access(db, clock)

    found = await active_consent(db, clock, "prt_a", agreed.id, client="app_budget")

    allows(found, first.id, Permission.BALANCES, at=clock.now())
    with pytest.raises(ConsentNotEnough):
        allows(found, second.id, Permission.BALANCES, at=clock.now())
    with pytest.raises(ConsentNotEnough):
        allows(found, first.id, Permission.TRANSACTIONS_DETAIL, at=clock.now())


async def test_every_change_is_told_in_its_order(db: Connection, clock: FixedClock) -> None:
    agreed, customer, _ = await given_access(db, clock)
    await revoke_consent(db, clock, "prt_a", agreed.id, customer=customer)

    assert await events_of(db, agreed.id) == [
        (1, "identity.consent.requested", "awaiting_authorisation"),
        (2, "identity.consent.authorised", "authorised"),
        (3, "identity.consent.revoked", "revoked"),
    ]


async def test_a_revoked_consent_is_worth_nothing_and_revoking_again_changes_nothing(
    db: Connection, clock: FixedClock
) -> None:
    agreed, customer, _ = await given_access(db, clock)

    for _ in range(2):
        await revoke_consent(db, clock, "prt_a", agreed.id, customer=customer)

    with pytest.raises(ConsentNotActive):
        await active_consent(db, clock, "prt_a", agreed.id, client="app_budget")
    assert len(await events_of(db, agreed.id)) == 3


async def test_a_consent_that_runs_out_is_expired_without_any_job(
    db: Connection, clock: FixedClock
) -> None:
    agreed, customer, _ = await given_access(db, clock)
    clock.advance(ACCESS_TTL_MAX - timedelta(seconds=1))
    await active_consent(db, clock, "prt_a", agreed.id, client="app_budget")

    clock.advance(timedelta(seconds=1))

    with pytest.raises(ConsentNotActive):
        await active_consent(db, clock, "prt_a", agreed.id, client="app_budget")
    with pytest.raises(ConsentTransitionRefused):
        await revoke_consent(db, clock, "prt_a", agreed.id, customer=customer)
    shown = await consents_of(db, clock, ("prt_a", customer), active=True)
    assert shown.items == ()
    (ended,) = (await consents_of(db, clock, ("prt_a", customer), active=False)).items
    assert ended.status is S.EXPIRED
    # Other tests leave consents behind that have run out too: maybe more than one round takes.
    rounds = [await record_expiries(db, clock) for _ in range(20)]
    assert rounds[0] >= 1
    assert rounds[-1] == 0
    assert (await events_of(db, agreed.id))[-1][1] == "identity.consent.expired"


async def test_a_request_that_is_not_answered_in_time_cannot_be_answered(
    db: Connection, clock: FixedClock
) -> None:
    customer, accounts = await an_owner(db, clock, "prt_a")
    waiting, request = await awaiting(db, clock, asks_access())
    clock.advance(ANSWER_TTL)

    with pytest.raises(ConsentTransitionRefused):
        await authorise_consent(db, clock, "prt_a", waiting.id, yes(request, customer, accounts[0]))
    with pytest.raises(ConsentTransitionRefused):
        await reject_consent(db, clock, "prt_a", waiting.id, customer=customer)


async def test_a_payment_consent_pays_exactly_what_was_agreed_once(
    db: Connection, clock: FixedClock
) -> None:
    agreed, _ = await given_payment(db, clock)

    used = await consume_consent(db, clock, "prt_a", agreed.id, PAYMENT)

    assert used.status is S.CONSUMED
    with pytest.raises(ConsentNotActive):
        await consume_consent(db, clock, "prt_a", agreed.id, PAYMENT)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Money(12351, "CNY")},
        {"amount": Money(12350, "USD")},
        {"creditor_name": "Merchant B"},
        {"creditor_name": "Merchant A "},
        {"creditor_name": "Mеrchant A"},  # a Cyrillic letter
        {"creditor_account": "number 6222000011112223"},
        {"remittance_information": ""},
        {"end_to_end_id": "e2e-7"},
    ],
)
async def test_another_payment_than_the_agreed_one_is_refused(
    db: Connection, clock: FixedClock, change: dict[str, Any]
) -> None:
    agreed, _ = await given_payment(db, clock)

    with pytest.raises(PaymentDiffers):
        await consume_consent(db, clock, "prt_a", agreed.id, replace(PAYMENT, **change))

    found = await consent(db, clock, "prt_a", agreed.id)
    assert found.status is S.AUTHORISED


async def test_a_payment_consent_ends_with_the_day_after(db: Connection, clock: FixedClock) -> None:
    agreed, _ = await given_payment(db, clock)
    clock.advance(PAYMENT_TTL_MAX)

    with pytest.raises(ConsentNotActive):
        await consume_consent(db, clock, "prt_a", agreed.id, PAYMENT)


async def test_of_twenty_payments_with_one_consent_one_is_made(
    pool: Pool, clock: FixedClock
) -> None:
    async with transaction(pool) as db:
        agreed, _ = await given_payment(db, clock, "prt_race")

    async def pay() -> bool:
        try:
            async with transaction(pool) as db:
                await consume_consent(db, clock, "prt_race", agreed.id, PAYMENT)
        except ConsentNotActive:
            return False
        return True

    assert sum(await asyncio.gather(*(pay() for _ in range(20)))) == 1


async def test_what_the_customer_did_not_see_is_not_agreed_to(
    db: Connection, clock: FixedClock
) -> None:
    customer, accounts = await an_owner(db, clock, "prt_a")
    waiting, request = await awaiting(db, clock, asks_payment())
    said = yes(request, customer, accounts[0])
    other = replace(request, payment=replace(PAYMENT, amount=Money(9, "CNY")))

    with pytest.raises(ConsentChanged):
        await authorise_consent(
            db, clock, "prt_a", waiting.id, replace(said, shown=terms_digest(other))
        )

    assert (await consent(db, clock, "prt_a", waiting.id)).status is S.AWAITING_AUTHORISATION


async def test_only_own_fitting_accounts_are_chosen(db: Connection, clock: FixedClock) -> None:
    customer, (current, dollars, frozen, closed) = await an_owner(
        db, clock, "prt_a", currencies=("CNY", "USD", "CNY", "CNY")
    )
    await bank_accounts.freeze(db, "prt_a", frozen.id, reason="court order")
    await bank_accounts.close(db, clock, "prt_a", closed.id)
    _, (foreign, *_) = await an_owner(db, clock, "prt_a")
    _, (elsewhere, *_) = await an_owner(db, clock, "prt_b")
    reading, access = await awaiting(db, clock, asks_access())
    paying, payment = await awaiting(db, clock, asks_payment())
    cases = [
        *((reading, access, chosen) for chosen in ([], [foreign], [elsewhere], [closed])),
        (reading, access, [current, foreign]),
        *((paying, payment, chosen) for chosen in ([], [dollars], [frozen], [foreign])),
        (paying, payment, [current, current, frozen]),
    ]

    for waiting, request, chosen in cases:
        with pytest.raises(ConsentAccountsInvalid):
            await authorise_consent(db, clock, "prt_a", waiting.id, yes(request, customer, *chosen))

    said = yes(access, customer, current, frozen, dollars)
    assert len((await authorise_consent(db, clock, "prt_a", reading.id, said)).accounts) == 3


async def test_a_permission_nobody_asked_for_cannot_be_given(
    db: Connection, clock: FixedClock
) -> None:
    customer, accounts = await an_owner(db, clock, "prt_a")
    waiting, request = await awaiting(db, clock, asks_access())
    said = yes(request, customer, accounts[0])

    for permissions in (frozenset(), READS | {Permission.TRANSACTIONS_DETAIL}):
        grown = replace(said, accounts={accounts[0].id: permissions})
        with pytest.raises(ConsentAccountsInvalid):
            await authorise_consent(db, clock, "prt_a", waiting.id, grown)


async def test_each_account_has_the_permissions_it_was_given(
    db: Connection, clock: FixedClock
) -> None:
    customer, (first, second) = await an_owner(db, clock, "prt_a")
    waiting, request = await awaiting(db, clock, asks_access())
    balances = frozenset({Permission.BALANCES})
    said = replace(yes(request, customer), accounts={first.id: READS, second.id: balances})

    await authorise_consent(db, clock, "prt_a", waiting.id, said)

    found = await active_consent(db, clock, "prt_a", waiting.id, client="app_budget")
    assert found.accounts == {first.id: READS, second.id: balances}


@pytest.mark.parametrize(
    "request_",
    [
        asks_access(permissions=frozenset()),
        asks_access(permissions=READS | {Permission.INITIATE_PAYMENT}),
        asks_access(payment=PAYMENT),
        asks_access(valid_until=AT),
        asks_access(purpose="x" * 141),
        asks_access(purpose="see\u202eyenom"),
        asks_access(client_name="Bank\nof China"),
        asks_access(ref=""),
        replace(asks_payment(), payment=None),
        replace(asks_payment(), permissions=READS),
        replace(asks_payment(), payment=replace(PAYMENT, amount=Money(0, "CNY"))),
        replace(asks_payment(), payment=replace(PAYMENT, creditor_name="")),
        replace(asks_payment(), payment=replace(PAYMENT, creditor_account="")),
    ],
)
async def test_a_request_that_no_consent_can_answer_is_refused(
    db: Connection, clock: FixedClock, request_: Any
) -> None:
    with pytest.raises(ConsentInvalid):
        await request_consent(db, clock, request_)


async def test_a_longer_life_than_the_longest_is_cut(db: Connection, clock: FixedClock) -> None:
    asked = asks_access(valid_until=AT + timedelta(days=9000))

    made = await request_consent(db, clock, asked)

    assert made.valid_until == clock.now() + ACCESS_TTL_MAX


async def test_one_request_asks_once(db: Connection, clock: FixedClock) -> None:
    asked = asks_access()
    await request_consent(db, clock, asked)

    with pytest.raises(ConsentExists):
        await request_consent(db, clock, asked)
    await request_consent(db, clock, replace(asked, client="app_other"))
    await request_consent(db, clock, replace(asked, partner="prt_b"))


async def test_a_consent_of_somebody_else_is_unknown(db: Connection, clock: FixedClock) -> None:
    agreed, _, _ = await given_access(db, clock)
    stranger, _ = await an_owner(db, clock, "prt_a")

    with pytest.raises(ConsentUnknown):
        await active_consent(db, clock, "prt_b", agreed.id, client="app_budget")
    with pytest.raises(ConsentUnknown):
        await active_consent(db, clock, "prt_a", agreed.id, client="app_other")
    with pytest.raises(ConsentUnknown):
        await revoke_consent(db, clock, "prt_a", agreed.id, customer=stranger)
    with pytest.raises(ConsentUnknown):
        await consent(db, clock, "prt_a", "cns_\0")
    assert (await consents_of(db, clock, ("prt_a", stranger))).items == ()
    assert (await consents_of(db, clock, ("prt_b", agreed.customer or ""))).items == ()


async def test_use_is_told_to_the_minute(db: Connection, clock: FixedClock) -> None:
    agreed, _, _ = await given_access(db, clock)
    first = clock.now()
    await record_use(db, clock, "prt_a", agreed.id)
    clock.advance(timedelta(seconds=59))
    await record_use(db, clock, "prt_a", agreed.id)
    assert (await consent(db, clock, "prt_a", agreed.id)).last_used_at == first

    clock.advance(timedelta(seconds=1))
    await record_use(db, clock, "prt_a", agreed.id)

    assert (await consent(db, clock, "prt_a", agreed.id)).last_used_at == clock.now()


async def test_a_list_shows_every_consent_once(db: Connection, clock: FixedClock) -> None:
    customer, accounts = await an_owner(db, clock, "prt_a")
    made = set()
    for _ in range(7):
        waiting, request = await awaiting(db, clock, asks_access())
        await authorise_consent(db, clock, "prt_a", waiting.id, yes(request, customer, accounts[0]))
        made.add(waiting.id)
        clock.advance(timedelta(seconds=1))

    shown, cursor = [], None
    while True:
        page = await consents_of(db, clock, ("prt_a", customer), cursor=cursor, limit=3)
        shown += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert shown == sorted(made, reverse=True)


async def stored(db: Connection, consent_id: str) -> Any:
    return await db.fetchrow("select * from identity.consents where consent_id = $1", consent_id)


OPERATIONS = ("authorise", "reject", "revoke", "consume", "wait", "sweep")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.sampled_from(OPERATIONS), max_size=8), payment=st.booleans())
def test_any_sequence_of_acts_follows_the_table(
    database_url: str, steps: list[str], payment: bool
) -> None:
    asyncio.run(_walk(database_url, steps, payment))


async def _walk(url: str, steps: list[str], payment: bool) -> None:
    db = await asyncpg.connect(url, server_settings={"search_path": "pg_catalog"})
    attempt = db.transaction()
    await attempt.start()
    try:
        clock = FixedClock(AT)
        customer, accounts = await an_owner(db, clock, "prt_walk")
        asked = asks_payment("prt_walk") if payment else asks_access("prt_walk")
        waiting, request = await awaiting(db, clock, asked)
        expected, changes = S.AWAITING_AUTHORISATION, 1
        targets = {"authorise": S.AUTHORISED, "reject": S.REJECTED, "revoke": S.REVOKED}
        for step in steps:
            if step == "wait":
                clock.advance(PAYMENT_TTL_MAX if payment else ANSWER_TTL)
                if expected is S.AWAITING_AUTHORISATION or (payment and expected is S.AUTHORISED):
                    expected = S.EXPIRED
                continue
            if step == "sweep":
                before = (await stored(db, waiting.id))["version"]
                await record_expiries(db, clock)
                changes += (await stored(db, waiting.id))["version"] - before
                continue
            before = (await consent(db, clock, "prt_walk", waiting.id)).version
            try:
                async with db.transaction():
                    if step == "authorise":
                        said = yes(request, customer, accounts[0])
                        await authorise_consent(db, clock, "prt_walk", waiting.id, said)
                    elif step == "reject":
                        await reject_consent(db, clock, "prt_walk", waiting.id, customer=customer)
                    elif step == "revoke":
                        await revoke_consent(db, clock, "prt_walk", waiting.id, customer=customer)
                    else:
                        await consume_consent(db, clock, "prt_walk", waiting.id, PAYMENT)
            except BanksideError:
                allowed = False
            else:
                allowed = True
            after = await consent(db, clock, "prt_walk", waiting.id)
            if allowed and after.version > before:
                expected, changes = moved(expected, targets.get(step, S.CONSUMED)), changes + 1
            assert after.status is expected
        told = await events_of(db, waiting.id)
        assert [each[0] for each in told] == list(range(1, changes + 1))
    finally:
        await attempt.rollback()
        await db.close()


def test_digests_of_different_requests_differ() -> None:
    base = replace(asks_payment(), ref="r")
    shifted = replace(
        base, payment=replace(PAYMENT, creditor_name="Merchant", creditor_account="A number 1")
    )
    variants = [
        base,
        replace(base, client="app_x"),
        replace(base, purpose=""),
        replace(base, valid_until=AT),
        replace(base, payment=replace(PAYMENT, end_to_end_id="", remittance_information="E2E-7")),
        shifted,
        replace(base, payment=replace(PAYMENT, amount=Money(12350, "JPY"))),
    ]

    assert len({terms_digest(each) for each in variants}) == len(variants)


def test_an_instant_written_in_another_zone_is_the_same_term() -> None:
    utc = replace(asks_access(), valid_until=AT)

    assert terms_digest(utc) == terms_digest(
        replace(utc, valid_until=AT.astimezone(timezone(timedelta(hours=8))))
    )
