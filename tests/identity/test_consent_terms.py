"""What a client may ask for beforehand: bound to the last word, and used inside one transaction."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.identity.builders import an_owner, asks_access, asks_payment, awaiting, yes

from bankside.identity.consents import (
    FUNDS_PERMISSIONS,
    IN_FORCE,
    RECURRING_PERMISSIONS,
    WITHIN_LIMIT,
    Alignment,
    Consent,
    ConsentInvalid,
    ConsentKind,
    ConsentNotActive,
    ConsentRequest,
    ConsentStatus,
    ConsentTransitionRefused,
    ConsentUnknown,
    LimitOfConsentExceeded,
    PeriodLimit,
    PeriodType,
    RecurringTerms,
    authorise_consent,
    consent,
    consumption,
    eligible_accounts,
    request_consent,
    revoke_consent,
    settled,
    spending,
    terminate_consent,
    terms_digest,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, write_all
from bankside.kernel.money import Money

LIMITS = (
    PeriodLimit(PeriodType.DAY, Alignment.CALENDAR, Money(3000, "CNY")),
    PeriodLimit(PeriodType.MONTH, Alignment.CONSENT, Money(9000, "CNY")),
)
TERMS = RecurringTerms(
    creditor_name="Savings",
    creditor_account="number 9001020000000000015",
    per_payment=Money(2000, "CNY"),
    limits=LIMITS,
)


def asks_recurring(partner: str = "prt_a", **change: Any) -> ConsentRequest:
    """A request to pay within limits."""
    return asks_access(
        partner,
        kind=ConsentKind.RECURRING_PAYMENTS,
        permissions=RECURRING_PERMISSIONS,
        **{"recurring": TERMS, "stated": {"Risk": {}}, **change},
    )


async def agreed(db: Connection, clock: FixedClock, request: ConsentRequest) -> Consent:
    customer, (account, _) = await an_owner(db, clock, request.partner)
    waiting, asked = await awaiting(db, clock, request)
    return await authorise_consent(
        db, clock, request.partner, waiting.id, yes(asked, customer, account)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"stated": {"Risk": {"PaymentContextCode": "Other"}}},
        {"stated": None},
        {"debtor_account": "9001010000000000018"},
        {"recurring": replace(TERMS, per_payment=Money(2001, "CNY"))},
        {"recurring": replace(TERMS, reference="x")},
        {"recurring": replace(TERMS, limits=LIMITS[:1])},
        {
            "recurring": replace(
                TERMS,
                limits=(replace(LIMITS[0], alignment=Alignment.CONSENT), LIMITS[1]),
            )
        },
    ],
)
def test_any_other_limit_or_word_is_another_agreement(change: dict[str, Any]) -> None:
    asked = asks_recurring()

    assert terms_digest(replace(asked, **change)) != terms_digest(asked)


async def test_what_was_asked_beforehand_is_stored_and_comes_back_whole(
    db: Connection, clock: FixedClock
) -> None:
    begins = clock.now() + timedelta(days=1)
    asked = settled(
        asks_recurring(
            recurring=replace(TERMS, valid_from=begins, reference="Sweep"),
            debtor_account="9001010000000000018",
        ),
        clock.now(),
    )

    made = await request_consent(db, clock, asked)
    found = await consent(db, clock, "prt_a", made.id)

    assert found == made
    assert found.recurring == asked.recurring
    assert found.stated == asked.stated


@pytest.mark.parametrize(
    "change",
    [
        {"recurring": None},
        {"permissions": FUNDS_PERMISSIONS},
        {"recurring": replace(TERMS, limits=())},
        {"recurring": replace(TERMS, limits=(LIMITS[0], LIMITS[0]))},
        {"recurring": replace(TERMS, per_payment=Money(2000, "USD"))},
        {"recurring": replace(TERMS, creditor_name="\u202egnivas")},
        {"kind": ConsentKind.FUNDS_CONFIRMATION, "recurring": None},
    ],
)
async def test_terms_that_do_not_fit_the_kind_are_refused(
    db: Connection, clock: FixedClock, change: dict[str, Any]
) -> None:
    with pytest.raises(ConsentInvalid):
        await request_consent(db, clock, replace(asks_recurring(), **change))


async def test_a_consent_made_beforehand_waits_a_day_and_no_longer(
    db: Connection, clock: FixedClock
) -> None:
    later = clock.now() + timedelta(days=30)
    made = await request_consent(db, clock, replace(asks_recurring(), answer_by=later))

    clock.advance(timedelta(days=1) - timedelta(microseconds=1))
    waiting = await consent(db, clock, "prt_a", made.id)
    clock.advance(timedelta(microseconds=1))
    over = await consent(db, clock, "prt_a", made.id)

    assert waiting.status is ConsentStatus.AWAITING_AUTHORISATION
    assert over.status is ConsentStatus.EXPIRED


async def test_a_consent_is_used_up_by_the_commit_and_not_twice(
    db: Connection, clock: FixedClock
) -> None:
    found = await agreed(db, clock, asks_payment())

    await write_all(db, list(consumption(clock, found)))
    with pytest.raises(asyncpg.CheckViolationError) as raced:
        async with db.transaction():
            await write_all(db, list(consumption(clock, found)))

    after = await consent(db, clock, "prt_a", found.id)
    assert raced.value.constraint_name == IN_FORCE
    assert (after.status, after.version) == (ConsentStatus.CONSUMED, found.version + 1)
    with pytest.raises(ConsentNotActive):
        consumption(clock, after)


async def test_a_consent_taken_back_after_the_decision_stops_the_commit(
    db: Connection, clock: FixedClock
) -> None:
    found = await agreed(db, clock, asks_recurring())
    writes = await spending(db, clock, found, Money(100, "CNY"))
    assert found.customer is not None
    await revoke_consent(db, clock, "prt_a", found.id, customer=found.customer)

    with pytest.raises(asyncpg.CheckViolationError) as raced:
        async with db.transaction():
            await write_all(db, list(writes))

    assert raced.value.constraint_name == IN_FORCE


async def test_payments_decided_at_once_exceed_no_limit_when_they_commit(
    db: Connection, clock: FixedClock
) -> None:
    found = await agreed(db, clock, asks_recurring())
    first = await spending(db, clock, found, Money(2000, "CNY"))
    second = await spending(db, clock, found, Money(1001, "CNY"))

    await write_all(db, list(first))
    with pytest.raises(asyncpg.CheckViolationError) as raced:
        async with db.transaction():
            await write_all(db, list(second))

    assert raced.value.constraint_name == WITHIN_LIMIT
    await write_all(db, list(await spending(db, clock, found, Money(1000, "CNY"))))
    with pytest.raises(LimitOfConsentExceeded):
        await spending(db, clock, found, Money(1, "CNY"))


async def test_only_its_own_client_gives_a_consent_back_and_once(
    db: Connection, clock: FixedClock
) -> None:
    found = await agreed(db, clock, asks_access())

    with pytest.raises(ConsentUnknown):
        await terminate_consent(db, clock, "prt_a", found.id, client="app_other")
    ended = await terminate_consent(db, clock, "prt_a", found.id, client=found.client)
    again = await terminate_consent(db, clock, "prt_a", found.id, client=found.client)

    assert ended.status is again.status is ConsentStatus.TERMINATED
    assert again.version == ended.version
    assert found.customer is not None
    with pytest.raises(ConsentTransitionRefused):
        await revoke_consent(db, clock, "prt_a", found.id, customer=found.customer)


async def test_the_account_that_is_paid_cannot_pay(db: Connection, clock: FixedClock) -> None:
    customer, (payee, other) = await an_owner(db, clock, "prt_a")
    terms = replace(TERMS, creditor_account=f"number {payee.number}")

    found = await eligible_accounts(db, "prt_a", customer, asks_recurring(recurring=terms))

    assert [each.id for each in found] == [other.id]
