"""Tenants: a partner's customers, for whom its apps act with an ``app_auth_token``.

Always true: only a token's SHA-256 is kept; a tenant belongs to one partner and is invisible to
every other.

Public: Tenant, TenantExists, TenantUnknown, block_tenant, create_tenant, list_tenants, read_tenant,
counts, reissue_token, token_hash, tokens, unblock_tenant.
"""

from bankside.partners.tenants.errors import TenantExists, TenantUnknown
from bankside.partners.tenants.model import Tenant
from bankside.partners.tenants.service import (
    block_tenant,
    create_tenant,
    list_tenants,
    read_tenant,
    reissue_token,
    token_hash,
    unblock_tenant,
)
from bankside.partners.tenants.store import counts, tokens

__all__ = [
    "Tenant",
    "TenantExists",
    "TenantUnknown",
    "block_tenant",
    "counts",
    "create_tenant",
    "list_tenants",
    "read_tenant",
    "reissue_token",
    "token_hash",
    "tokens",
    "unblock_tenant",
]
