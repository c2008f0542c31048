"""Signed messages: requests that clients sign (JAR), answers that we sign (JARM, RFC 9701).

Always true: a signed request is read for what it says and the form beside it for nothing but the
client's credentials; a client registered as signing is never heard unsigned; what we sign names
its receiver and ends within ten minutes. Source: FAPI 2.0 Message Signing.

Public: unpacked, backchannel_request, answer_token, introspection_token, INTROSPECTION_TYPE.
"""

from bankside.identity.messages.request_objects import backchannel_request, unpacked
from bankside.identity.messages.responses import (
    INTROSPECTION_TYPE,
    answer_token,
    introspection_token,
)

__all__ = [
    "INTROSPECTION_TYPE",
    "answer_token",
    "backchannel_request",
    "introspection_token",
    "unpacked",
]
