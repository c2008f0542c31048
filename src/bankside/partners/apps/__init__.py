"""Apps: the callers. Always true: an app belongs to one partner and is invisible to every other;
each change of an app raises its version by one and publishes one event with that number.

Public: AppExists, AppUnknown, Environment, NewApp, PartnerApp, ProductInvalid, RateInvalid,
ReturnAddressInvalid, ReturnAddressUnknown, add_return_address, block_app, create_app, every,
every_subscription, held_products, list_apps, list_subscriptions, locked, may_return_to, read_app,
remove_return_address, return_addresses, set_rate, subscribe, subscribers, unblock_app, unsubscribe.
"""

from bankside.partners.apps.errors import (
    AppExists,
    AppUnknown,
    ProductInvalid,
    RateInvalid,
    ReturnAddressInvalid,
    ReturnAddressUnknown,
)
from bankside.partners.apps.model import Environment, NewApp, PartnerApp
from bankside.partners.apps.returns import (
    add_return_address,
    may_return_to,
    remove_return_address,
    return_addresses,
)
from bankside.partners.apps.service import (
    block_app,
    create_app,
    list_apps,
    list_subscriptions,
    locked,
    read_app,
    set_rate,
    subscribe,
    unblock_app,
    unsubscribe,
)
from bankside.partners.apps.store import every, every_subscription, held_products, subscribers

__all__ = [
    "AppExists",
    "AppUnknown",
    "Environment",
    "NewApp",
    "PartnerApp",
    "ProductInvalid",
    "RateInvalid",
    "ReturnAddressInvalid",
    "ReturnAddressUnknown",
    "add_return_address",
    "block_app",
    "create_app",
    "every",
    "every_subscription",
    "held_products",
    "list_apps",
    "list_subscriptions",
    "locked",
    "may_return_to",
    "read_app",
    "remove_return_address",
    "return_addresses",
    "set_rate",
    "subscribe",
    "subscribers",
    "unblock_app",
    "unsubscribe",
]
