"""Partners, their tenants, apps and keys, and the bank's own keys.

Always true: every use case takes the partner as its scope, and another partner's object is as
unknown as one that does not exist; every change publishes an event whose type starts with
``partners.``, after which a new snapshot is due; secrets are kept sealed, tokens as hashes.

Use cases take a connection inside the caller's transaction and never commit.
Public: create_partner, read_partner, list_partners, block_partner, unblock_partner; create_tenant,
read_tenant, list_tenants, tenants_of, reissue_token, block_tenant, unblock_tenant; create_app,
read_app, list_apps, set_rate, subscribe, unsubscribe, list_subscriptions, subscribers,
held_products, block_app, unblock_app, add_return_address, remove_return_address, return_addresses,
may_return_to;
register_key, rotate_key, revoke_key, list_keys, choose_answer_key; ensure_platform_keys,
create_platform_key, read_platform_key, list_platform_keys, private_key, make_default_platform_key,
retire_platform_key; snapshot_view, wire_keys; give_space, renew_space, read_space, list_spaces,
move_clock, moved_clocks, clock_of, home_of, signatory; the values Partner, Tenant, NewApp,
PartnerApp, NewKey, AppKey, NewPlatformKey, PlatformKey, SnapshotView, WireKeys, Space;
EVENT_PREFIX. Refusals stand in each slice's ``errors``.
"""

from bankside.partners.apps import (
    AppUnknown,
    NewApp,
    PartnerApp,
    add_return_address,
    block_app,
    create_app,
    held_products,
    list_apps,
    list_subscriptions,
    may_return_to,
    read_app,
    remove_return_address,
    return_addresses,
    set_rate,
    subscribe,
    subscribers,
    unblock_app,
    unsubscribe,
)
from bankside.partners.events import PREFIX as EVENT_PREFIX
from bankside.partners.keys import (
    AppKey,
    NewKey,
    choose_answer_key,
    list_keys,
    register_key,
    revoke_key,
    rotate_key,
)
from bankside.partners.partners import (
    Partner,
    PartnerUnknown,
    block_partner,
    create_partner,
    list_partners,
    read_partner,
    unblock_partner,
)
from bankside.partners.platform_keys import (
    NewPlatformKey,
    PlatformKey,
    create_platform_key,
    ensure_platform_keys,
    private_key,
    read_platform_key,
)
from bankside.partners.platform_keys import every as list_platform_keys
from bankside.partners.platform_keys import make_default as make_default_platform_key
from bankside.partners.platform_keys import retire as retire_platform_key
from bankside.partners.sandboxes import (
    Space,
    SpaceUnknown,
    clock_of,
    give_space,
    home_of,
    list_spaces,
    move_clock,
    moved_clocks,
    read_space,
    renew_space,
    signatory,
)
from bankside.partners.tenants import (
    Tenant,
    TenantUnknown,
    block_tenant,
    create_tenant,
    list_tenants,
    read_tenant,
    reissue_token,
    unblock_tenant,
)
from bankside.partners.tenants import counts as tenants_of
from bankside.partners.view import SnapshotView, snapshot_view
from bankside.partners.wire_keys import WireKeys, wire_keys

__all__ = [
    "EVENT_PREFIX",
    "AppKey",
    "AppUnknown",
    "NewApp",
    "NewKey",
    "NewPlatformKey",
    "Partner",
    "PartnerApp",
    "PartnerUnknown",
    "PlatformKey",
    "SnapshotView",
    "Space",
    "SpaceUnknown",
    "Tenant",
    "TenantUnknown",
    "WireKeys",
    "add_return_address",
    "block_app",
    "block_partner",
    "block_tenant",
    "choose_answer_key",
    "clock_of",
    "create_app",
    "create_partner",
    "create_platform_key",
    "create_tenant",
    "ensure_platform_keys",
    "give_space",
    "held_products",
    "home_of",
    "list_apps",
    "list_keys",
    "list_partners",
    "list_platform_keys",
    "list_spaces",
    "list_subscriptions",
    "list_tenants",
    "make_default_platform_key",
    "may_return_to",
    "move_clock",
    "moved_clocks",
    "private_key",
    "read_app",
    "read_partner",
    "read_platform_key",
    "read_space",
    "read_tenant",
    "register_key",
    "reissue_token",
    "remove_return_address",
    "renew_space",
    "retire_platform_key",
    "return_addresses",
    "revoke_key",
    "rotate_key",
    "set_rate",
    "signatory",
    "snapshot_view",
    "subscribe",
    "subscribers",
    "tenants_of",
    "unblock_app",
    "unblock_partner",
    "unblock_tenant",
    "unsubscribe",
    "wire_keys",
]
