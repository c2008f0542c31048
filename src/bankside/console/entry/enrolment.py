"""The page behind an enrolment link: somebody sets password and authenticator, once."""

from urllib.parse import quote

from bankside.console.entry.visits import AnyResponse, Visit, one
from bankside.identity.credentials import PasswordInvalid
from bankside.identity.people import (
    Chosen,
    Enrolment,
    EnrolmentCodeWrong,
    enrol,
    enrolment_of,
)
from bankside.kernel.db import transaction

# What authenticator apps show beside the code.
ISSUER_SHOWN = "bankside"


async def enrolment_page(visit: Visit, link: str) -> AnyResponse:
    """Whose account it is, the secret for the authenticator, and the two fields."""
    return await _shown(visit, link)


async def set_up(visit: Visit, link: str) -> AnyResponse:
    """Password and authenticator are set and the person is logged in."""
    fields = await visit.form()
    pages = visit.pages
    chosen = Chosen(
        password=one(fields, "password"), code=one(fields, "code"), visitor=visit.visitor
    )
    try:
        async with pages.turns.turn(), transaction(pages.pool) as db:
            secret = await enrol(db, pages.clock, pages.vault, (pages.realm, link), chosen)
    except PasswordInvalid as fault:
        return await _shown(visit, link, fault="password", status=fault.status)
    except EnrolmentCodeWrong as fault:
        return await _shown(visit, link, fault="code", status=fault.status)
    return visit.sent_to(f"{pages.base}/security?done=enrolled", secret=secret)


async def _shown(visit: Visit, link: str, *, fault: str = "", status: int = 200) -> AnyResponse:
    pages = visit.pages
    async with pages.pool.acquire(timeout=2) as db:
        found = await enrolment_of(db, pages.clock, pages.vault, pages.realm, link)
    return visit.shown(
        "entry_enrol.html",
        status=status,
        action=f"{pages.base}/enrol/{link}",
        person=found.person,
        secret=_grouped(found.secret),
        address=_address(found),
        fault=fault,
    )


def _grouped(secret: str) -> str:
    """In groups of four, as people type it."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def _address(found: Enrolment) -> str:
    """What an authenticator app on the same device opens (the otpauth scheme)."""
    name = quote(f"{ISSUER_SHOWN}:{found.person.login}")
    return f"otpauth://totp/{name}?secret={found.secret}&issuer={ISSUER_SHOWN}"
