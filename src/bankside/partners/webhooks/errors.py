"""Refusals of the webhooks slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class EndpointUnknown(NotFound):
    """The partner has no such webhook endpoint."""

    code = "webhook.not_found"


class EndpointInvalid(Invalid):
    """An address we may not call, or types that name no event."""

    code = "webhook.invalid"
    status = 422


class EndpointsTooMany(Refused):
    """The partner has as many endpoints as one may have."""

    code = "webhook.too_many"


class DeliveryUnknown(NotFound):
    """No such event was ever meant for this endpoint."""

    code = "webhook.delivery_not_found"
