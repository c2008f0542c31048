"""The class an account is opened in, and the account that one of a limited class is bound to."""

from bankside.bank.accounts import accounts_by_reference, limited_class, of_class
from bankside.kernel.ids import CustomerId
from bankside.orders.account_classes import AT_MOST
from bankside.orders.errors_core import AccountsOfClassFull, BoundAccountRefused
from bankside.orders.inputs import fault
from bankside.orders.model import Order
from bankside.orders.preparations.room import Form, Room

# What a person opens without a word is the one full account that everybody may have.
_DEFAULTS = {"account.personal-accounts": "I"}


async def chosen(room: Room, order: Order, owner: CustomerId, form: Form) -> str | None:
    """The class or kind, while its holder may have another one. Raises AccountsOfClassFull."""
    default = _DEFAULTS.get(order.product)
    found: str | None = form.get("account_kind") or form.get("account_class") or default
    most = AT_MOST.get(found or "")
    if found is None or most is None:
        return found
    if await of_class(room.db, order.partner, owner, found) >= most:
        raise AccountsOfClassFull(f"a customer has at most {most} open accounts of class {found}")
    return found


async def bound(room: Room, order: Order, owner: CustomerId, form: Form) -> str | None:
    """The ledger account of ``bound_account``. Raises BoundAccountRefused."""
    reference = form.get("bound_account")
    if reference is None:
        return None
    found = (await accounts_by_reference(room.db, order.partner, [reference])).get(reference)
    if found is None or found.customer != owner or limited_class(found.ledger_account):
        detail = "it is bound to another account of its holder, of no limited class"
        raise BoundAccountRefused(
            detail, errors=[fault("/bound_account", BoundAccountRefused.code, detail)]
        )
    return found.ledger_account
