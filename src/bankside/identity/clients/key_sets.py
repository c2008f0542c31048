"""Key sets by URL: fetched through the egress guard, kept 20 minutes, the last good one for longer.

Always true: nobody is fetched from more often than every FETCH_SECONDS, whoever asks; what cannot
be fetched or trusted leaves the keys as they stand. Source: RFC 7591 section 2 (``jwks_uri``).
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
import structlog

from bankside.identity.clients import rules, store
from bankside.identity.clients.errors import KeySetAddressInvalid, KeySetInvalid
from bankside.identity.clients.model import Client
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool
from bankside.kernel.egress import Egress, EgressRefused

KEPT = timedelta(minutes=20)
# A message with an unknown key id may ask for a new look, but not make us somebody's crawler.
FETCH_SECONDS = 30

# Reads the body behind an address, or raises EgressRefused (`kernel.egress.Egress.get`).
Fetch = Callable[[str], Awaitable[bytes]]

_log = structlog.get_logger("oauth")


class KeysDue(Exception):
    """A message came whose client's key set should be fetched first; nothing was written yet."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.id)
        self.client = client


def check_keys_fresh(client: Client, clock: Clock, *, kid: object) -> None:
    """The client's keys are young enough for a message signed with ``kid``; or KeysDue.

    Once an attempt was made, fresh or not they are what there is for FETCH_SECONDS.
    """
    if client.jwks_uri is None:
        return
    at = clock.now()
    tried = client.jwks_tried_at
    if tried is not None and at - tried < timedelta(seconds=FETCH_SECONDS):
        return
    is_old = client.jwks_fetched_at is None or at - client.jwks_fetched_at > KEPT
    is_new_key = kid is not None and all(each["kid"] != kid for each in client.jwks)
    if is_old or is_new_key:
        raise KeysDue(client)


async def fetch_keys(pool: Pool, clock: Clock, fetch: Fetch, client: Client) -> None:
    """The client's key set is as its address says, if that can be fetched and trusted.

    Call it in no transaction: the other side may take seconds. Of several callers one fetches.
    """
    assert client.jwks_uri is not None
    since = clock.now() - timedelta(seconds=FETCH_SECONDS)
    async with pool.acquire(timeout=2) as db:
        if not await store.claim_fetch(db, client, at=clock.now(), not_since=since):
            return
    try:
        keys = rules.checked_keys(msgspec.json.decode(await fetch(client.jwks_uri)))
    except (EgressRefused, KeySetInvalid, msgspec.DecodeError, RecursionError) as error:
        _log.warning("jwks_uri_unusable", client=client.id, why=str(error))
        return
    async with pool.acquire(timeout=2) as db:
        await store.keep_keys(db, client, keys, at=clock.now())


def checked_address(jwks_uri: str) -> str:
    """The address as it came, if it could be one that we call; or KeySetAddressInvalid.

    A loopback one may be registered; whether it is ever called is the installation's setting.
    """
    try:
        host = urlsplit(jwks_uri).hostname
        Egress(loopback=host in rules.LOOPBACK).checked(jwks_uri)
    except (EgressRefused, ValueError) as refused:
        raise KeySetAddressInvalid(f"jwks_uri: {refused}") from refused
    return jwks_uri
