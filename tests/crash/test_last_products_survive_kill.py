"""The crash stories of bars, gifts, stores abroad, site wages, deposits that prove, and telling.

Like ``test_orders_survive_kill``: a child is killed at each of its commits, on either side of it,
the story is told again with the same keys, and the accounts end as if nothing had happened.
"""

import hashlib
from contextlib import suppress
from datetime import date, timedelta

import pytest
from tests.crash.stories import Facts, Story, survives, tell
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import House, PayerTokenTaken, house_account, put_sandbox_token
from bankside.bank.ledger import Group, Leg, group_id
from bankside.bank.standing_orders import NewStandingOrder, set_up
from bankside.kernel.db import transaction
from bankside.kernel.money import Money

pytestmark = pytest.mark.crash

TODAY = date(2026, 3, 2)


async def delivered(bank: LittleBank, facts: Facts) -> None:
    await _more(bank, facts["payer"], Money.parse("2000.00", "CNY"))
    product = "metalbond.gold-deliveries"
    asked = {
        "account": facts["payer"],
        "product_code": "AU-GRAM",
        "amount": cny("1000.00"),
        "merchant": facts["merchant"],
        "code": "BAR-1",
    }
    order = await tell(bank, "1", f"{product}.create", asked)
    await tell(bank, "2", f"{product}.deliveries", {}, order)
    await tell(bank, "3", f"{product}.redemptions", {"code": "BAR-1"}, order)
    await bank.orders.end_of_day(TODAY)


async def gifted(bank: LittleBank, facts: Facts) -> None:
    product = "metalbond.gold-gifts"
    asked = {"account": facts["payer"], "product_code": "AU-GRAM", "amount": cny("40.00")}
    taken = await tell(bank, "1", f"{product}.create", asked | {"code": "G-1"})
    take = {"code": "G-1", "payee_account": facts["rider"]}
    await tell(bank, "2", f"{product}.redemptions", take, taken)
    gift = await bank.shown(f"{product}.query", path=taken)
    holding = {"holding": gift["result"]["gift"]["holding"]}
    await tell(bank, "3", "metalbond.gold-redemptions.create", holding)
    await tell(bank, "4", f"{product}.create", asked | {"code": "G-2", "valid_until": "2026-03-02"})
    bank.clock.advance(timedelta(days=1))
    await bank.orders.expire()


async def collected_abroad(bank: LittleBank, facts: Facts) -> None:
    product = "forex.cross-border-collections"
    await _more(bank, facts["dollars"], Money.parse("100.00", "USD"))
    asked = {
        "merchant": facts["merchant"],
        "order_no": "S-1",
        "amount": {"amount": "10.00", "currency": "USD"},
        "payer_token": await _code_of(bank, facts["dollars"]),
    }
    paid = await tell(bank, "1", f"{product}.create", asked)
    share = {"receivers": [{"account": facts["rider"], "amount": cny("20.00")}], "split_no": "1"}
    await tell(bank, "2", f"{product}.splits", share, paid)
    await tell(bank, "3", f"{product}.refunds", {"amount": cny("10.00")}, paid)
    await tell(bank, "4", f"{product}.finishes", {}, paid)


async def waged(bank: LittleBank, facts: Facts) -> None:
    product = "payroll.wage-accounts"
    asked = {
        "payer_account": facts["payer"],
        "project": "海棠一期",
        "period": "2026-02",
        "lines": [
            {
                "line_no": no,
                "payee_account": facts["rider"],
                "name": "林晓雨",
                "amount": cny("30.00"),
            }
            for no in (1, 2)
        ],
        "total": cny("60.00"),
        "count": 2,
    }
    order = await tell(bank, "1", f"{product}.create", asked)
    there = {"attendance": [{"line_no": 1, "days": 20}]}
    await tell(bank, "2", f"{product}.confirmations", there, order)
    await bank.orders.resume(order, partner=bank.partner)
    await tell(bank, "3", f"{product}.closures", {"sweep_to": facts["payer"]}, order)


async def proven(bank: LittleBank, facts: Facts) -> None:
    product = "identity.microdeposit-verifications"
    number = await _number_of(bank, facts["customer"])
    asked = {
        "subject": facts["customer"],
        "document_no": number,
        "name": "林晓雨",
        "payee_account_no": "6222000012345678",
        "payee_bank": "102100099996",
        "payer_account": facts["payer"],
    }
    order = await tell(bank, "1", f"{product}.create", asked)
    shown = await bank.shown(f"{product}.query", path=order)
    for child in shown["result"]["deposits"]["orders"]:
        await bank.orders.resume(child, partner=bank.partner)
    first, second = shown["result"]["code"]["sandbox_amounts"]
    await tell(bank, "2", f"{product}.confirmations", {"first": first, "second": second}, order)
    # What the two deposits left of 3.00 goes to an account of its own: the books end the same.
    own = await bank.shown(
        "account.sub-accounts.create", {"master_account": facts["payer"], "name": "一"}, key="3"
    )
    spent = sum(Money.parse(each["amount"], "CNY").minor for each in (first, second))
    rest = {
        "payer_account": facts["payer"],
        "payee_account": own["result"]["account"]["id"],
        "amount": Money(300 - spent, "CNY").to_json(),
    }
    await tell(bank, "4", "payment.internal-transfers.create", rest)


async def told(bank: LittleBank, facts: Facts) -> None:
    product = "account.account-subscriptions"
    order = await tell(bank, "1", f"{product}.create", {"account": facts["rider"]})
    pay = {"payer_account": facts["payer"], "payee_account": facts["rider"], "amount": cny("1.00")}
    for key in ("2", "3"):
        await tell(bank, key, "payment.internal-transfers.create", pay)
        await bank.orders.expire()
    async with bank.pool.acquire() as db:
        events = await db.fetchval(
            "select count(*) from kernel.outbox where partner_id = $1 and object_id = $2"
            " and type = 'orders.entry.booked'",
            bank.partner,
            order,
        )
    assert events == 2
    await tell(bank, "4", f"{product}.revoke", {}, order)


async def carded(bank: LittleBank, facts: Facts) -> None:
    """A card's bill is not paid in time, then paid with its interest and fee, and closed.

    It takes longer than keys are kept: what was done before is known by its own number.
    """
    number = await _number_of(bank, facts["customer"])
    asked = {
        "holder": facts["customer"],
        "document_no": number,
        "mobile": "13800000000",
        "amount": cny("50.00"),
    }
    cards = (await bank.shown("card.credit-cards.list"))["items"]
    card = cards[0]["id"] if cards else await tell(bank, "1", "card.credit-cards.create", asked)
    own = (await bank.shown("card.credit-cards.query", path=card))["result"]["account"]["id"]
    spent = {"payer_account": own, "payee_account": facts["rider"], "amount": cny("50.00")}
    await tell(bank, "2", "payment.internal-transfers.create", spent | {"end_to_end_id": "E1"})
    # Bill, due date, bill.
    for days in (31, 21, 9):
        bank.clock.advance(timedelta(days=days))
        await bank.orders.expire()
    pays = {"card": card, "payer_account": facts["payer"], "reference": "R1"}
    await tell(bank, "3", "card.credit-card-repayments.create", pays)
    await tell(bank, "4", "card.credit-cards.closures", {}, card)


async def earned(bank: LittleBank, facts: Facts) -> None:
    """An advance is repaid from a share of income; a standing order is paid beside it."""
    payee = await bank.shown(
        "account.sub-accounts.create", {"master_account": facts["payer"], "name": "一"}, key="0"
    )
    await _stands(bank, facts["rider"], payee["result"]["account"]["id"])
    asked = {
        "borrower": facts["customer"],
        "account": facts["rider"],
        "amount": cny("20.00"),
        "income_share_bp": 5_000,
    }
    loan = await tell(bank, "1", "payroll.wage-advances.applications-create", asked)
    await tell(bank, "2", "payroll.wage-advances.drawdowns", {}, loan)
    pay = {"payer_account": facts["payer"], "payee_account": facts["rider"], "amount": cny("10.00")}
    await tell(bank, "3", "payment.internal-transfers.create", pay)
    await bank.orders.expire()
    bank.clock.advance(timedelta(days=3))
    await bank.orders.expire()


async def _stands(bank: LittleBank, payer: str, payee: str) -> None:
    """3.00 on 5 March, once, however often the story is told."""
    asked = NewStandingOrder(
        id="so_story",
        account=payer,
        payee_account=payee,
        payee_name="林晓雨",
        amount=Money.parse("3.00", "CNY"),
        frequency="EvryDay",
        first_on=date(2026, 3, 5),
        final_on=date(2026, 3, 5),
    )
    async with transaction(bank.pool) as db:
        await set_up(db, bank.clock, bank.partner, asked)


async def _number_of(bank: LittleBank, customer: str) -> str:
    async with bank.pool.acquire() as db:
        return str(
            await db.fetchval(
                "select resident_id from bank.customers where partner_id = $1 and customer_id = $2",
                bank.partner,
                customer,
            )
        )


async def _more(bank: LittleBank, account: str, amount: Money) -> None:
    """Further money on an account, once however often the story is told."""
    leg = Leg(house_account(House.OPENING, amount.currency), account, amount)
    await bank.books.commit(Group(group_id("more", account), (leg,), kind="opening"))


async def _code_of(bank: LittleBank, account: str) -> str:
    """The account's payment code, the same each time the story is told."""
    code = f"28{int(hashlib.sha256(account.encode()).hexdigest(), 16) % 10**16:016d}"
    until = bank.clock.now() + timedelta(days=400)
    with suppress(PayerTokenTaken):
        async with transaction(bank.pool) as db:
            await put_sandbox_token(db, bank.clock, bank.partner, account, code=code, until=until)
    return code


# What payer, rider, settlement account and pending account hold when the story was told whole.
STORIES: list[tuple[Story, list[int]]] = [
    (delivered, [131_392, 0, 78_450, 0]),
    (gifted, [5_987, 3_993, 0, 0]),
    (collected_abroad, [10_000, 2_000, 4_048, 0]),
    (waged, [6_997, 3_000, 0, 0]),
    (proven, [9_700, 0, 0, 0]),
    (told, [9_800, 200, 0, 0]),
    (carded, [4_823, 5_000, 0, 0]),
    (earned, [9_000, 2_200, 0, 0]),
]


@pytest.mark.parametrize(
    ("story", "expected"), STORIES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_killed_story_told_again_ends_with_the_same_books(
    fresh_url: str, story: Story, expected: list[int]
) -> None:
    survives(fresh_url, story, expected)
