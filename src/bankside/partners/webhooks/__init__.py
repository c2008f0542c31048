"""Webhooks: where a partner is told what happened to its orders and consents, and with what key.

Always true: an endpoint gets its own partner's events only; the object an event tells of can be
read before the event leaves; delivery is at least once with one id over all attempts, in the order
of each object; a failing endpoint holds up nobody else. Source: Standard Webhooks 1.0.0.

Public: Webhooks (create, amend, rotate), read_endpoint, list_endpoints, remove_endpoint,
enable_endpoint, disable_endpoint; list_deliveries, send_test, replay, Again; told, message,
failure; Sender, RETRY_SECONDS; Endpoint, EndpointChange, NewEndpoint; the refusals of ``errors``.
"""

from bankside.partners.webhooks.deliveries import Again, list_deliveries, replay, send_test
from bankside.partners.webhooks.errors import (
    DeliveryUnknown,
    EndpointDisabled,
    EndpointInvalid,
    EndpointRotatedTooOften,
    EndpointsTooMany,
    EndpointUnknown,
    ReplayTooMany,
)
from bankside.partners.webhooks.model import (
    Endpoint,
    EndpointChange,
    NewEndpoint,
    failure,
    message,
    told,
)
from bankside.partners.webhooks.sending import RETRY_SECONDS, Sender
from bankside.partners.webhooks.service import (
    Webhooks,
    disable_endpoint,
    enable_endpoint,
    list_endpoints,
    read_endpoint,
    remove_endpoint,
)

__all__ = [
    "RETRY_SECONDS",
    "Again",
    "DeliveryUnknown",
    "Endpoint",
    "EndpointChange",
    "EndpointDisabled",
    "EndpointInvalid",
    "EndpointRotatedTooOften",
    "EndpointUnknown",
    "EndpointsTooMany",
    "NewEndpoint",
    "ReplayTooMany",
    "Sender",
    "Webhooks",
    "disable_endpoint",
    "enable_endpoint",
    "failure",
    "list_deliveries",
    "list_endpoints",
    "message",
    "read_endpoint",
    "remove_endpoint",
    "replay",
    "send_test",
    "told",
]
