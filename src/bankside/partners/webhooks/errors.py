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


class EndpointDisabled(Refused):
    """Nothing is sent to a disabled endpoint; make it active first."""

    code = "webhook.disabled"


class ReplayTooMany(Refused):
    """More events than one call sends again; name a shorter range."""

    code = "webhook.replay_too_many"
    status = 422


class EndpointRotatedTooOften(Refused):
    """As many keys sign as may; the oldest stops a day after its rotation."""

    code = "webhook.rotated_too_often"
