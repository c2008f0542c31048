"""SQL of pushed requests, interactions and codes. Each redemption is one statement that decides."""

import json
from datetime import datetime

from bankside.identity.authorisations.model import Code, PushedRequest
from bankside.identity.values import Place
from bankside.kernel.db import Connection, Row

_REQUEST = (
    "partner_id, client_id, slot, hash, redirect_uri, scopes, authorization_details, state, nonce,"
    " code_challenge, dpop_jkt, created_at, response_mode"
)


async def insert_request(db: Connection, request: PushedRequest) -> None:
    """Store a pushed request."""
    await db.execute(
        f"insert into identity.pushed_requests ({_REQUEST}, expires_at)"  # noqa: S608 - constants
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        request.partner,
        request.client_id,
        request.place.slot,
        request.place.hash,
        request.redirect_uri,
        request.scopes,
        json.dumps(request.details),
        request.state,
        request.nonce,
        request.code_challenge,
        request.dpop_jkt,
        request.created_at,
        request.response_mode,
        request.expires_at,
    )


async def open_request(
    db: Connection, client: tuple[str, str], place: Place, at: datetime, *, opened_max: int
) -> PushedRequest | None:
    """The unused, fresh request, counted as opened once more; ``client`` is (partner, id)."""
    row = await db.fetchrow(
        "update identity.pushed_requests set opened = opened + 1"  # noqa: S608 - constants
        " where partner_id = $1 and client_id = $2 and slot = $3 and hash = $4"
        f" and used_at is null and expires_at > $5 and opened < $6 returning {_REQUEST}",
        *client,
        place.slot,
        place.hash,
        at,
        opened_max,
    )
    return _request(row) if row else None


async def use_request(db: Connection, request: PushedRequest, at: datetime) -> bool:
    """The request is answered now; False when it was before."""
    done = await db.fetchval(
        "update identity.pushed_requests set used_at = $5"
        " where partner_id = $1 and client_id = $2 and slot = $3 and hash = $4"
        " and used_at is null returning true",
        request.partner,
        request.client_id,
        request.place.slot,
        request.place.hash,
        at,
    )
    return done is True


async def insert_interaction(
    db: Connection,
    place: tuple[int, str],
    request: PushedRequest,
    browser: bytes,
    *,
    at: datetime,
    until: datetime,
) -> None:
    """Store an interaction; ``place`` is (slot, id), ``browser`` the hash of its cookie."""
    await db.execute(
        "insert into identity.interactions (slot, interaction_id, partner_id, client_id,"
        " request_slot, request_hash, browser_hash, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *place,
        request.partner,
        request.client_id,
        request.place.slot,
        request.place.hash,
        browser,
        at,
        until,
    )


async def find_interaction(
    db: Connection, place: tuple[int, str], browser: bytes
) -> tuple[PushedRequest, datetime, bool] | None:
    """The request, the end and whether it is answered, of this browser's interaction."""
    row = await db.fetchrow(
        "select r.*, i.expires_at as ends_at, i.finished_at is not null or r.used_at is not null"
        " as finished from identity.interactions i join identity.pushed_requests r"
        " on r.partner_id = i.partner_id and r.client_id = i.client_id"
        " and r.slot = i.request_slot and r.hash = i.request_hash"
        " where i.slot = $1 and i.interaction_id = $2 and i.browser_hash = $3",
        *place,
        browser,
    )
    return (_request(row), row["ends_at"], row["finished"]) if row else None


async def finish_interaction(db: Connection, place: tuple[int, str], at: datetime) -> bool:
    """The interaction ends now; False when it ended before."""
    done = await db.fetchval(
        "update identity.interactions set finished_at = $3"
        " where slot = $1 and interaction_id = $2 and finished_at is null and expires_at > $3"
        " returning true",
        *place,
        at,
    )
    return done is True


async def insert_code(
    db: Connection,
    request: PushedRequest,
    grant_id: str,
    place: Place,
    *,
    at: datetime,
    until: datetime,
) -> None:
    """Store a code that answers ``request``."""
    await db.execute(
        "insert into identity.authorisation_codes (partner_id, client_id, slot, hash, grant_id,"
        " redirect_uri, code_challenge, dpop_jkt, nonce, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        request.partner,
        request.client_id,
        place.slot,
        place.hash,
        grant_id,
        request.redirect_uri,
        request.code_challenge,
        request.dpop_jkt,
        request.nonce,
        at,
        until,
    )


async def find_code(db: Connection, client: tuple[str, str], place: Place) -> Code | None:
    """The client's code as it stands, used or not; ``client`` is (partner, id)."""
    row = await db.fetchrow(
        "select grant_id, redirect_uri, code_challenge, dpop_jkt, nonce, expires_at, used_at"
        " from identity.authorisation_codes"
        " where partner_id = $1 and client_id = $2 and slot = $3 and hash = $4",
        *client,
        place.slot,
        place.hash,
    )
    return Code(**row) if row else None


async def use_code(db: Connection, client: tuple[str, str], place: Place, at: datetime) -> bool:
    """The code is redeemed now, by this caller alone."""
    done = await db.fetchval(
        "update identity.authorisation_codes set used_at = $5"
        " where partner_id = $1 and client_id = $2 and slot = $3 and hash = $4"
        " and used_at is null and expires_at > $5 returning true",
        *client,
        place.slot,
        place.hash,
        at,
    )
    return done is True


def _request(row: Row) -> PushedRequest:
    return PushedRequest(
        partner=row["partner_id"],
        client_id=row["client_id"],
        place=Place(row["slot"], row["hash"]),
        redirect_uri=row["redirect_uri"],
        scopes=tuple(row["scopes"]),
        details=tuple(json.loads(row["authorization_details"])),
        state=row["state"],
        nonce=row["nonce"],
        code_challenge=row["code_challenge"],
        dpop_jkt=row["dpop_jkt"],
        created_at=row["created_at"],
        response_mode=row["response_mode"],
    )
