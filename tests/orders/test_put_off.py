"""What the clock began and the books refused is tried again tomorrow, and ends with a person."""

from datetime import timedelta
from typing import Any

from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account
from bankside.bank.ledger import AccountStatus, carry_out, set_status
from bankside.orders.unattended import REFUSED_DAYS_MAX

COUPONS = "engage.coupons"
A_DAY = timedelta(days=1)


async def _coupon_whose_issuer_closed(bank: LittleBank) -> tuple[dict[str, Any], Account]:
    """A coupon that ran out; its issuer's account takes nothing back any more."""
    issuer = await bank.account("20.00")
    asked = {"holder": bank.customer, "account": issuer.id, "amount": cny("20.00")}
    coupon = await bank.shown(f"{COUPONS}.create", asked)
    async with bank.pool.acquire() as db:
        await carry_out(db, set_status(issuer.ledger_account, AccountStatus.CLOSED))
    bank.clock.advance(timedelta(days=400))
    return coupon, issuer


async def _reopen(bank: LittleBank, account: Account) -> None:
    """Past the bank's own rule: what a migration or a person at the database would do."""
    async with bank.pool.acquire() as db:
        await db.execute(
            "update bank.ledger_accounts set status = 'open' where account_id = $1",
            account.ledger_account,
        )


async def _tries(bank: LittleBank, order: str) -> int:
    async with bank.pool.acquire() as db:
        return await db.fetchval(
            "select count(*) from orders.journal where order_id = $1 and status = 'refused'", order
        )


async def test_a_refusal_is_not_repeated_on_the_same_day(bank: LittleBank) -> None:
    coupon, _issuer = await _coupon_whose_issuer_closed(bank)

    for _ in range(5):
        await bank.orders.expire()

    assert await _tries(bank, coupon["id"]) == 1
    assert (await bank.shown(f"{COUPONS}.query", path=coupon["id"]))["state"] == "waiting"


async def test_what_can_be_done_the_next_day_is_done_then(bank: LittleBank) -> None:
    coupon, issuer = await _coupon_whose_issuer_closed(bank)
    await bank.orders.expire()

    await _reopen(bank, issuer)
    bank.clock.advance(A_DAY)
    await bank.orders.expire()

    shown = await bank.shown(f"{COUPONS}.query", path=coupon["id"])
    assert (shown["state"], shown["status"]) == ("completed", "expired")
    assert await bank.balance(issuer) == "20.00"


async def test_after_a_month_of_refusals_a_person_has_to_decide(bank: LittleBank) -> None:
    coupon, _issuer = await _coupon_whose_issuer_closed(bank)

    for _ in range(REFUSED_DAYS_MAX + 3):
        await bank.orders.expire()
        bank.clock.advance(A_DAY)

    assert await _tries(bank, coupon["id"]) == REFUSED_DAYS_MAX + 1
    shown = await bank.shown(f"{COUPONS}.query", path=coupon["id"])
    assert (shown["state"], shown["code"]) == ("reconciling", "payment.account_closed")
