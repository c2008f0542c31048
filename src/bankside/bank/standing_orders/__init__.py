"""Standing orders: what an account pays again and again, as its holder has it written down.

Always true: a standing order belongs to one account of one data space, is in the account's
currency, and pays an amount above zero. This slice keeps and tells them; nothing pays them yet, so
``next_on`` is what was agreed, not what a clock promises.

Public: StandingOrder, NewStandingOrder, set_up, standing_orders_of, STANDING_ORDERS_MAX,
StandingOrderInvalid.
"""

from bankside.bank.standing_orders.errors import StandingOrderInvalid
from bankside.bank.standing_orders.model import NewStandingOrder, StandingOrder
from bankside.bank.standing_orders.service import STANDING_ORDERS_MAX, set_up, standing_orders_of

__all__ = [
    "STANDING_ORDERS_MAX",
    "NewStandingOrder",
    "StandingOrder",
    "StandingOrderInvalid",
    "set_up",
    "standing_orders_of",
]
