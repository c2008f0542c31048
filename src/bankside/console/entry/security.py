"""The security page: where somebody is logged in, and its passkeys.

What changes how one logs in (adding or removing a passkey) asks for a second factor proven just
now; ending a session does not, because it takes nothing from its owner.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from bankside.console.entry.login import holder_of, json_answer
from bankside.console.entry.places import Place
from bankside.console.entry.visits import (
    AnyResponse,
    RealmPages,
    Visit,
    fresh,
    logged_in,
    one,
)
from bankside.console.showing import shown_time
from bankside.identity.factors import has_totp
from bankside.identity.passkeys import (
    Offer,
    Passkey,
    PasskeyInvalid,
    PasskeyKnown,
    PasskeyNameInvalid,
    PasskeyRefused,
    PasskeysFull,
    passkeys_of,
    register,
    registration_options,
    remove_passkey,
)
from bankside.identity.sessions import (
    Session,
    device_name,
    end_other_sessions,
    end_session,
    log_out,
    sessions_of,
)
from bankside.kernel.db import transaction


def security(pages: RealmPages) -> Place:
    """The security page of a realm, and where its step-up stands."""
    return Place(f"{pages.base}/security", f"{pages.base}/security")


async def security_page(visit: Visit, *, fault: str = "", status: int = 200) -> AnyResponse:
    """Sessions, passkeys and the authenticator of whoever is logged in."""
    session, pages = logged_in(visit), visit.pages
    if session is None:
        return visit.sent_to(f"{pages.base}/login")
    async with pages.pool.acquire(timeout=2) as db:
        sessions = await sessions_of(db, pages.clock, session.partner, session.person)
        passkeys = await passkeys_of(db, session.partner, session.person)
        totp = await has_totp(db, session.partner, session.person)
    return visit.shown(
        "entry_security.html",
        status=status,
        script=True,
        place=security(pages),
        devices=_devices(sessions, session),
        passkeys=[_passkey(each) for each in passkeys],
        totp=totp,
        fresh=fresh(visit),
        suggested=device_name(session.device) or session.login,
        done=visit.request.query_params.get("done", ""),
        fault=fault,
    )


async def end_device(visit: Visit, session_id: str) -> AnyResponse:
    """The person is logged out at another device."""
    await visit.form()
    session, pages = logged_in(visit), visit.pages
    if session is None:
        return visit.sent_to(f"{pages.base}/login")
    async with transaction(pages.pool) as db:
        await end_session(db, session.partner, session.person, session_id)
    return visit.sent_to(f"{security(pages).home}?done=ended")


async def end_others(visit: Visit) -> AnyResponse:
    """The person is logged out everywhere but here."""
    await visit.form()
    session, pages = logged_in(visit), visit.pages
    if session is None:
        return visit.sent_to(f"{pages.base}/login")
    async with transaction(pages.pool) as db:
        await end_other_sessions(db, session.partner, session.person, kept=session.id)
    return visit.sent_to(f"{security(pages).home}?done=others")


async def leave(visit: Visit) -> AnyResponse:
    """The session of this browser is over."""
    await visit.form()
    async with transaction(visit.pages.pool) as db:
        await log_out(db, visit.secret)
    return visit.sent_to(f"{visit.pages.base}/login")


async def new_passkey_options(visit: Visit) -> AnyResponse:
    """What the browser makes a passkey from, as JSON; 401 when a second factor comes first."""
    await visit.form()
    session, pages = logged_in(visit), visit.pages
    if session is None or not fresh(visit) or pages.party is None:
        go = security(pages).second_factor if session else f"{pages.base}/login"
        return json_answer(msgspec.json.encode({"go": go}).decode(), status=401)
    async with transaction(pages.pool) as db:
        options = await registration_options(
            db, pages.clock, pages.party, holder_of(session), browser=visit.secret
        )
    return json_answer(options)


async def add_passkey(visit: Visit) -> AnyResponse:
    """The passkey that the browser made is the person's from now on."""
    fields = await visit.form()
    session, pages = logged_in(visit), visit.pages
    if session is None:
        return visit.sent_to(f"{pages.base}/login")
    if not fresh(visit):
        return visit.sent_to(security(pages).second_factor)
    if pages.party is None:
        raise PasskeyRefused
    offer = Offer(answer=one(fields, "answer"), name=one(fields, "name"), browser=visit.secret)
    try:
        async with transaction(pages.pool) as db:
            await register(db, pages.clock, pages.party, holder_of(session), offer)
    except (PasskeyInvalid, PasskeyKnown, PasskeyNameInvalid, PasskeysFull) as fault:
        reason = fault.code.partition(".")[2]
        return await security_page(
            visit, fault=f"customer.fault.passkey.{reason}", status=fault.status
        )
    return visit.sent_to(f"{security(pages).home}?done=passkey")


async def drop_passkey(visit: Visit, passkey_id: str) -> AnyResponse:
    """The passkey opens nothing any more."""
    await visit.form()
    session, pages = logged_in(visit), visit.pages
    if session is None:
        return visit.sent_to(f"{pages.base}/login")
    if not fresh(visit):
        return visit.sent_to(security(pages).second_factor)
    async with transaction(pages.pool) as db:
        await remove_passkey(db, session.partner, session.person, passkey_id)
    return visit.sent_to(f"{security(pages).home}?done=removed")


def _devices(sessions: Sequence[Session], here: Session) -> list[dict[str, Any]]:
    """This one first; where it is in the world is neither known nor shown."""
    return [
        {
            "id": each.id,
            "device": device_name(each.device) or each.device,
            "since": shown_time(each.started_at),
            "seen": shown_time(each.seen_at),
            "how": "passkey" if "pop" in each.amr else "code",
            "here": each.id == here.id,
        }
        for each in sorted(sessions, key=lambda each: each.id != here.id)
    ]


def _passkey(passkey: Passkey) -> dict[str, Any]:
    return {
        "id": passkey.id,
        "name": passkey.name,
        "since": shown_time(passkey.created_at),
        "used": shown_time(passkey.used_at) if passkey.used_at else None,
        "flagged": passkey.flagged_at is not None,
    }
