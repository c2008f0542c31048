"""What a backchannel request must say, and what a poll finds. Source: CIBA Core 7.1, 7.3, 11."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bankside.identity.authorisations import asked_rights
from bankside.identity.backchannel.model import (
    BINDING_MESSAGE_MAX,
    LIFE_SECONDS,
    LIFE_SECONDS_MAX,
    Polled,
    Wish,
)
from bankside.identity.clients import OPENID, Client
from bankside.identity.errors import (
    AccessDenied,
    BindingMessageInvalid,
    ClientUnauthorised,
    GrantInvalid,
    RequestExpired,
    RequestInvalid,
    ScopeInvalid,
)

_HINTS = ("login_hint", "login_hint_token", "id_token_hint")
LOGIN_LENGTH_MAX = 128


def checked_wish(form: Mapping[str, str], client: Client) -> Wish:
    """The request, every part of it checked; or the refusal that names what is wrong."""
    if not client.backchannel:
        raise ClientUnauthorised("this client is not registered for backchannel requests")
    if [name for name in _HINTS if name in form] != ["login_hint"]:
        raise RequestInvalid("name the customer by login_hint, and by nothing beside it")
    scopes, details = asked_rights(form, client)
    if OPENID not in scopes:
        raise ScopeInvalid("the scope of a backchannel request contains openid")
    return Wish(
        login=form["login_hint"][:LOGIN_LENGTH_MAX],
        scopes=scopes,
        details=details,
        binding_message=_message(form.get("binding_message", "")),
        seconds=_seconds(form.get("requested_expiry", str(LIFE_SECONDS))),
    )


def is_too_soon(found: Polled, at: datetime) -> bool:
    """Whether the client polls before its interval is over."""
    if found.polled_at is None:
        return False
    return at < found.polled_at + timedelta(seconds=found.interval_seconds)


def granted(found: Polled | None, at: datetime) -> str | None:
    """The grant that the customer gave; None while the answer is awaited.

    Raises GrantInvalid (unknown, used), RequestExpired, AccessDenied.
    """
    if found is None:
        raise GrantInvalid("the auth_req_id is unknown")
    if found.used_at is not None:
        raise GrantInvalid("the auth_req_id was used before")
    if found.expires_at <= at:
        raise RequestExpired
    if found.answered_at is not None and found.grant_id is None:
        raise AccessDenied("the customer said no")
    return found.grant_id


def _message(text: str) -> str:
    if len(text) > BINDING_MESSAGE_MAX or not text.isprintable():
        raise BindingMessageInvalid(
            f"binding_message has at most {BINDING_MESSAGE_MAX} printable characters"
        )
    return text.strip()


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LIFE_SECONDS_MAX):
        raise RequestInvalid(f"requested_expiry is a number from 1 to {LIFE_SECONDS_MAX}")
    return int(text)
