"""Webhooks: where a partner is told what happened to its orders and consents, and with what key.

Always true: an endpoint gets its own partner's events only; the object an event tells of can be
read before the event leaves; delivery is at least once with one id over all attempts, in the order
of each object; a failing endpoint holds up nobody else. Source: Standard Webhooks 1.0.0.

Public: Webhooks (create, rotate, replay), read_endpoint, list_endpoints, remove_endpoint,
enable_endpoint, disable_endpoint; Sender; Endpoint, NewEndpoint; the refusals of ``errors``.
"""

from bankside.partners.webhooks.errors import (
    DeliveryUnknown,
    EndpointInvalid,
    EndpointsTooMany,
    EndpointUnknown,
)
from bankside.partners.webhooks.model import Endpoint, NewEndpoint
from bankside.partners.webhooks.sending import Sender
from bankside.partners.webhooks.service import (
    Webhooks,
    disable_endpoint,
    enable_endpoint,
    list_endpoints,
    read_endpoint,
    remove_endpoint,
)

__all__ = [
    "DeliveryUnknown",
    "Endpoint",
    "EndpointInvalid",
    "EndpointUnknown",
    "EndpointsTooMany",
    "NewEndpoint",
    "Sender",
    "Webhooks",
    "disable_endpoint",
    "enable_endpoint",
    "list_endpoints",
    "read_endpoint",
    "remove_endpoint",
]
