"""Refusals of the tenants slice."""

from bankside.kernel.errors import NotFound, Refused


class TenantUnknown(NotFound):
    """There is no such tenant of this partner."""

    code = "tenant.not_found"


class TenantExists(Refused):
    """The partner already has a tenant with this id."""

    code = "tenant.exists"
