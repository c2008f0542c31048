"""The customer's own pages: who has access to what, and taking it back."""

from collections.abc import Sequence
from typing import Any

from bankside.bank.accounts import Account, accounts_by_reference
from bankside.console.customer import showing
from bankside.console.customer.places import my_pages
from bankside.console.entry import AnyResponse, Visit, logged_in
from bankside.console.pages import Look
from bankside.identity import decisions
from bankside.identity.consents import (
    Consent,
    ConsentStatus,
    ConsentTransitionRefused,
    ConsentUnknown,
    consent,
    consents_of,
)
from bankside.identity.revocations import applied_everywhere
from bankside.identity.sessions import Session
from bankside.kernel.db import Connection, transaction

# Cards of this many consents stay far below the 50 kB of a page.
CONSENTS_A_PAGE = 20


async def consents_page(visit: Visit, *, active: bool) -> AnyResponse:
    """Those that count now, or all that have ended or were refused; newest first."""
    session = logged_in(visit)
    if session is None:
        return visit.sent_to(my_pages().login)
    pages, query = visit.pages, visit.request.query_params
    async with pages.pool.acquire(timeout=2) as db:
        found = await consents_of(
            db,
            pages.clock,
            (session.partner, session.customer),
            cursor=query.get("cursor"),
            limit=CONSENTS_A_PAGE,
            active=active,
        )
        shown = await _shown(visit, db, found.items)
        revoked = await _just_revoked(visit, db, session, query.get("revoked", ""))
    return visit.shown(
        "customer_consents.html",
        consents=shown,
        active=active,
        more=found.next_cursor,
        revoked=revoked,
    )


async def revoke_page(visit: Visit, consent_id: str) -> AnyResponse:
    """The question before a consent is taken back."""
    session = logged_in(visit)
    if session is None:
        return visit.sent_to(my_pages().login)
    async with visit.pages.pool.acquire(timeout=2) as db:
        found = await _own(visit, db, session, consent_id)
        if found.status is not ConsentStatus.AUTHORISED:
            return visit.sent_to("/my/consents/ended")
        (shown,) = await _shown(visit, db, [found])
    return visit.shown("customer_revoke.html", consent=shown)


async def revoke(visit: Visit, consent_id: str) -> AnyResponse:
    """The consent is taken back; a second click finds it so."""
    await visit.form()
    session = logged_in(visit)
    if session is None:
        return visit.sent_to(my_pages().login)
    pages = visit.pages
    try:
        async with transaction(pages.pool) as db:
            await decisions.take_back(
                db, pages.clock, session.partner, consent_id, customer=session.customer
            )
        # The page says "taken back" only when no edge answers under the consent any more.
        await applied_everywhere(pages.pool)
    except ConsentTransitionRefused:
        return visit.sent_to("/my/consents/ended")
    return visit.sent_to(f"/my/consents?revoked={consent_id}")


async def _own(visit: Visit, db: Connection, session: Session, consent_id: str) -> Consent:
    """The customer's consent; another's is unknown."""
    found = await consent(db, visit.pages.clock, session.partner, consent_id)
    if found.customer != session.customer:
        raise ConsentUnknown
    return found


async def _just_revoked(
    visit: Visit, db: Connection, session: Session, consent_id: str
) -> str | None:
    """Whose access was taken back just now, when the address says so and it is true."""
    if not consent_id:
        return None
    try:
        found = await _own(visit, db, session, consent_id)
    except ConsentUnknown:
        return None
    return found.client_name if found.status is ConsentStatus.REVOKED else None


async def _shown(visit: Visit, db: Connection, found: Sequence[Consent]) -> list[dict[str, Any]]:
    lang = Look(visit.request).lang
    accounts: dict[str, Account] = {}
    if found:
        wanted = {account for each in found for account in each.accounts}
        accounts = await accounts_by_reference(db, found[0].partner, wanted)
    return [showing.consent_shown(each, accounts, lang) for each in found]
