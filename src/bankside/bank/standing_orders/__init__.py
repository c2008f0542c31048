"""Standing orders: what an account pays again and again, as its holder has it written down.

Always true: a standing order belongs to one account of one data space, is in the account's
currency, and pays an amount above zero. This slice keeps them and knows their dates; paying them is
`orders.standing`, which moves them on in the commit that pays. Those loaded from another bank
without dates are told and never paid.

Public: StandingOrder, NewStandingOrder, set_up, standing_orders_of, STANDING_ORDERS_MAX,
due_standing_orders, first_standing_orders, pays_on, moved_on, tried_again, StandingOrderInvalid.
"""

from bankside.bank.standing_orders.errors import StandingOrderInvalid
from bankside.bank.standing_orders.model import NewStandingOrder, StandingOrder
from bankside.bank.standing_orders.rules import pays_on
from bankside.bank.standing_orders.service import (
    STANDING_ORDERS_MAX,
    due_standing_orders,
    first_standing_orders,
    moved_on,
    set_up,
    standing_orders_of,
    tried_again,
)

__all__ = [
    "STANDING_ORDERS_MAX",
    "NewStandingOrder",
    "StandingOrder",
    "StandingOrderInvalid",
    "due_standing_orders",
    "first_standing_orders",
    "moved_on",
    "pays_on",
    "set_up",
    "standing_orders_of",
    "tried_again",
]
