"""Accounts that a step opens, moves or closes: drafted and found in the caller's data space."""

from collections.abc import Mapping

from bankside.bank import ledger
from bankside.bank.accounts import (
    Account,
    AccountLocked,
    AccountNotEmpty,
    AccountStatus,
    Opening,
    ProductClass,
    account,
    accounts_by_reference,
    drafted_account,
    in_ledger,
    is_locked,
    pension_of,
)
from bankside.bank.customers import CustomerNotFound, customer
from bankside.bank.ledger import Period
from bankside.kernel.db import Write
from bankside.kernel.ids import AccountId, CustomerId
from bankside.kernel.money import Money
from bankside.orders import parties, store
from bankside.orders.conditions.accounts import BY_PAPER
from bankside.orders.errors import AccountUnknown, HolderUnknown, SweepTargetMissing
from bankside.orders.errors_core import AccountPaperMissing
from bankside.orders.errors_money import AccountFeeOwed, PensionAccountExists
from bankside.orders.inputs import fault
from bankside.orders.interest.upkeep import first_day
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations import account_class
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives import card, upkeep
from bankside.orders.primitives.effect import section

# What kind of account a product opens; its category's otherwise.
_BY_PRODUCT: Mapping[str, ProductClass] = {
    "account.business-accounts": ProductClass.SETTLEMENT,
    "account.sub-accounts": ProductClass.SUB,
    "card.credit-cards": ProductClass.CREDIT,
    "treasury.margin-accounts": ProductClass.MARGIN,
    "treasury.supervised-funds": ProductClass.ESCROW,
    "treasury.training-funds": ProductClass.ESCROW,
    "treasury.court-funds": ProductClass.ESCROW,
    "wallet.prepaid-funds": ProductClass.ESCROW,
    "payroll.wage-accounts": ProductClass.ESCROW,
}
_BY_CATEGORY: Mapping[str, ProductClass] = {
    "wallet": ProductClass.WALLET,
    "card": ProductClass.CARD,
    "pension": ProductClass.PENSION,
    "merchant": ProductClass.SETTLEMENT,
    "supplychain": ProductClass.SETTLEMENT,
    "treasury": ProductClass.SETTLEMENT,
}
# Fields that say whose account is opened, and fields that name an account of that person.
_HOLDERS = ("holder", "party", "subject", "insured", "borrower")
_NAMED = ("payee_account", "master_account", "account", "payer_account")


async def opening(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
    """The account to open is drafted; an order that pays into it at once has it in the ledger.

    The ledger takes postings before it takes rows, so an account that this very change pays into is
    opened there ahead of it: empty, and nobody's until the change commits. A person has one pension
    account (State Council notice 2022-7, article 2). Raises HolderUnknown, PensionAccountExists,
    AccountsOfClassFull, BoundAccountRefused.
    """
    owner = await _holder(room, order, form)
    kind = product_class(order.product)
    if kind is ProductClass.PENSION:
        standing = await pension_of(room.db, order.partner, owner)
        if standing is not None:
            raise PensionAccountExists(extra={"account": standing})
    currency = str(form.get("currency", order.currency))
    asked = Opening(
        customer=owner,
        product_class=kind,
        currency=currency,
        account_class=await account_class.chosen(room, order, owner, form),
        bound_ledger_account=await account_class.bound(room, order, owner, form),
    )
    drafted = await drafted_account(room.db, room.desk.clock, order.partner, asked)
    floor = 0
    if kind is ProductClass.CREDIT:
        floor = -form["amount"].minor
    ahead: tuple[Write, ...] = ()
    if any("opened_account" in each.roles.values() for each in order.plan):
        ahead = (in_ledger(drafted, floor=floor),)
    return Prepared(order, {"account": {"opening": drafted, "floor": floor}}, ahead=ahead)


async def moving(room: Room, order: Order, step: PlanStep, form: Form) -> Prepared:
    """The account to freeze or unfreeze: named by ``account``, or the one the order is about.

    Raises AccountPaperMissing when what an authority ordered is lifted without its word.
    """
    ground = order.input.get("ground")
    if ground in BY_PAPER and "order_no" not in form and step.use == "account.unfreeze":
        detail = f"what the {ground} ordered is lifted by a paper of its own"
        raise AccountPaperMissing(
            detail, errors=[fault("/order_no", AccountPaperMissing.code, detail)]
        )
    found = await _about(room, order, form)
    return Prepared(order, {"account": {"standing": found.standing}})


async def closing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The account to close, what is left on it, and where that goes.

    Raises SweepTargetMissing when money is left and ``sweep_to`` names no account for it,
    AccountNotEmpty for a credit card on which something is owed, and AccountFeeOwed when the
    account does not cover what keeping it cost.
    """
    found = await _about(room, order, form)
    money = await ledger.balance(room.db, found.ledger_account)
    left = money.available
    owed = await _owed(room, order, found)
    if owed > left.minor:
        shown = Money(owed, left.currency)
        raise AccountFeeOwed(
            f"{shown} {shown.currency} are owed for the account", extra={"owed": shown.to_json()}
        )
    left = Money(left.minor - owed, left.currency)
    if found.product_class is ProductClass.CREDIT:
        # What can still be drawn on a card is the bank's; what was overpaid is the holder's.
        left = money.booked
        charges = card.of(order).due_minor if card.NOUN in order.book else 0
        if charges or left.minor < 0:
            raise AccountNotEmpty("the card has to be paid back before it is closed")
    target: str | None = None
    if left.minor > 0:
        reference = form.get("sweep_to") or order.input.get("sweep_to")
        if reference is None:
            detail = f"{left} {left.currency} are left: name the account they go to"
            raise SweepTargetMissing(
                detail, errors=[fault("/sweep_to", SweepTargetMissing.code, detail)]
            )
        assert room.ticket is not None, "accounts are closed on request"
        known = await parties.accounts(room.db, room.ticket.scope, {"/sweep_to": reference}, left)
        if is_locked(found) and not is_locked(known[reference]):
            detail = "what is in a pension account goes to a pension account"
            raise AccountLocked(detail, errors=[fault("/sweep_to", AccountLocked.code, detail)])
        target = known[reference].ledger_account
    asked = {"standing": found.standing, "balance": max(left.minor, 0), "sweep_to": target}
    return Prepared(order, {"account": asked})


async def charging(room: Room, order: Order, _step: PlanStep, _form: Form) -> Prepared:
    """What the account can pay, and the least that was in it, where that waives its fee."""
    book, fee = upkeep.of(order), upkeep.fee_of(order)
    found = await _about(room, order, {})
    can_pay: int | None = None
    if found.status is not AccountStatus.CLOSED:
        money = await ledger.balance(room.db, found.ledger_account)
        can_pay = money.available.minor if found.status is AccountStatus.OPEN else 0
    lowest: int | None = None
    if fee.waived_from is not None:
        period = Period(first=first_day(book, fee), last=book.next_on)
        lowest = await ledger.lowest(room.db, found.ledger_account, period=period)
    return Prepared(order, {upkeep.NOUN: {"can_pay": can_pay, "lowest": lowest}})


async def _owed(room: Room, order: Order, found: Account) -> int:
    """What is owed for keeping the account that is closed, by the order that opened it."""
    if section(order, upkeep.NOUN):
        return upkeep.of(order).owed_minor
    opened = await store.waiting_on(room.db, order.partner, found.ledger_account, upkeep.USE)
    if opened is not None and upkeep.of(opened).owed:
        owed = opened.money(upkeep.of(opened).owed_minor)
        raise AccountFeeOwed(
            f"{owed} {owed.currency} are owed: order {opened.id} closes the account",
            extra={"owed": owed.to_json(), "order": opened.id},
        )
    return 0


def product_class(product: str) -> ProductClass:
    """The kind of account that a product opens."""
    found = _BY_PRODUCT.get(product)
    return found or _BY_CATEGORY.get(product.partition(".")[0], ProductClass.CURRENT)


async def _holder(room: Room, order: Order, form: Form) -> CustomerId:
    """The customer named by the request, or the owner of the account it names."""
    for name in _HOLDERS:
        if name in form:
            try:
                return (await customer(room.db, order.partner, form[name])).id
            except CustomerNotFound as error:
                detail = "there is no such customer"
                raise HolderUnknown(
                    detail, errors=[fault(f"/{name}", HolderUnknown.code, detail)]
                ) from error
    for name in _NAMED:
        if name in form:
            return (await account(room.db, order.partner, form[name])).customer
    raise HolderUnknown("the request names nobody whose account this would be")


async def _about(room: Room, order: Order, form: Form) -> Account:
    reference = order.book.get("account", {}).get("id")
    reference = reference or form.get("account") or order.input.get("account")
    found = await accounts_by_reference(room.db, order.partner, [AccountId(reference or "-")])
    if reference not in found:
        raise AccountUnknown("the order is about no account")
    if room.ticket is not None and "account" not in order.book:
        await parties.own_account(room.db, room.ticket.scope, found[reference].id)
    return found[reference]


PREPARATIONS: Mapping[str, Prepare] = {
    "account.open": opening,
    "account.freeze": moving,
    "account.unfreeze": moving,
    "account.close": closing,
    "account.charge": charging,
}
