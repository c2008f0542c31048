"""The pages before a decision: what is asked, the choice of accounts, yes and no.

Always true: the amount, the creditor and the permissions come from the request as it was pushed,
never from the form; the form brings back the digest of what was shown, and another one is refused.
"""

from collections.abc import Mapping, Sequence

from bankside.bank.accounts import Account
from bankside.console.customer import showing
from bankside.console.customer.places import before
from bankside.console.entry import AnyResponse, Visit, one
from bankside.console.entry.errors import FormInvalid
from bankside.console.pages import Look
from bankside.identity import decisions
from bankside.identity.authorisations import Asked, Interaction, InteractionFinished, interaction
from bankside.identity.consents import (
    ConsentAccountsInvalid,
    ConsentChanged,
    eligible_accounts,
)
from bankside.identity.decisions import Ask, Decision, asks_of
from bankside.identity.http import browser_of
from bankside.identity.sessions import Session, is_fresh
from bankside.kernel.db import Connection, transaction
from bankside.kernel.ids import AccountId


async def found_at(visit: Visit, interaction_id: str) -> Interaction:
    """The interaction of this browser. Raises InteractionUnknown, InteractionFinished."""
    pages = visit.pages
    browser = browser_of(visit.request, pages.issuer) or ""
    async with pages.pool.acquire(timeout=2) as db:
        return await interaction(db, pages.clock, interaction_id, browser=browser)


async def interaction_page(visit: Visit, interaction_id: str) -> AnyResponse:
    """Before login what is asked and by whom; after it, the accounts to choose from."""
    found = await found_at(visit, interaction_id)
    return await _asked(visit, found)


async def decide(visit: Visit, interaction_id: str) -> AnyResponse:
    """The answer is carried out and the browser goes back to the client (303).

    A second click gets the same address again; after a minute it is told that all is done.
    """
    fields = await visit.form()
    answer = one(fields, "decision")
    if answer not in {"approve", "refuse"}:
        raise FormInvalid
    try:
        found = await found_at(visit, interaction_id)
        if answer == "refuse":
            return visit.sent_to(await _refused(visit, found))
        return await _approved(visit, found, fields)
    except InteractionFinished:
        address = await _answered_before(visit, interaction_id)
        if address is None:
            raise
        return visit.sent_to(address)


async def _asked(
    visit: Visit, found: Interaction, *, fault: str = "", ticked: Sequence[str] = ()
) -> AnyResponse:
    lang, place = Look(visit.request).lang, before(found)
    asks = await asks_in(visit, found)
    session = _session_for(visit, found)
    if session is not None and needs_fresh(visit, session, asks):
        return visit.sent_to(place.second_factor)
    accounts = await choices(visit, found, asks, session) if session else [[] for _ in asks]
    shown = [
        showing.ask_shown(ask, lang)
        | {"accounts": [showing.account_shown(each, lang) for each in choice]}
        for ask, choice in zip(asks, accounts, strict=True)
    ]
    return visit.shown(
        "customer_consent.html",
        status=422 if fault else 200,
        leads_to=found.request.redirect_uri,
        place=place,
        client=found.client_name,
        asks=shown,
        scopes=showing.scopes_shown(found, lang),
        known=session is not None,
        fault=fault,
        ticked=ticked,
    )


async def _approved(
    visit: Visit, found: Interaction, fields: Mapping[str, list[str]]
) -> AnyResponse:
    session, asks, pages = _session_for(visit, found), await asks_in(visit, found), visit.pages
    if session is None or needs_fresh(visit, session, asks):
        return visit.sent_to(before(found).base)
    chosen = [
        [AccountId(each) for each in fields.get(f"account-{number}", [])]
        for number in range(len(asks))
    ]
    try:
        said = Decision(session=session, chosen=chosen, shown=digests(fields))
        async with transaction(pages.pool) as db:
            address = await decisions.approve(db, pages.clock, pages.minter, found, said)
            await _remember(visit, db, found, address)
    except ConsentAccountsInvalid:
        ticked = [each for choice in chosen for each in choice]
        return await _asked(visit, found, fault="consent.fault.accounts", ticked=ticked)
    except ConsentChanged:
        return await _asked(visit, found, fault="consent.fault.changed")
    return visit.sent_to(address)


async def _refused(visit: Visit, found: Interaction) -> str:
    pages = visit.pages
    async with transaction(pages.pool) as db:
        session = _session_for(visit, found)
        address = await decisions.refuse(db, pages.clock, pages.minter, found, session)
        await _remember(visit, db, found, address)
    return address


async def _remember(visit: Visit, db: Connection, found: Interaction, address: str) -> None:
    browser = browser_of(visit.request, visit.pages.issuer) or ""
    await decisions.remember_answer(db, visit.pages.clock, found, address, browser=browser)


async def _answered_before(visit: Visit, interaction_id: str) -> str | None:
    pages = visit.pages
    browser = browser_of(visit.request, pages.issuer) or ""
    async with pages.pool.acquire(timeout=2) as db:
        return await decisions.answer_again(db, pages.clock, interaction_id, browser=browser)


async def asks_in(visit: Visit, found: Asked) -> Sequence[Ask]:
    """What is asked, consent by consent."""
    async with visit.pages.pool.acquire(timeout=2) as db:
        return await asks_of(db, visit.pages.clock, found)


async def choices(
    visit: Visit, found: Asked, asks: Sequence[Ask], session: Session
) -> list[list[Account]]:
    """The accounts that may be chosen, for each ask."""
    async with visit.pages.pool.acquire(timeout=2) as db:
        return [
            await eligible_accounts(db, found.partner, session.customer, ask.request)
            for ask in asks
        ]


def _session_for(visit: Visit, found: Interaction) -> Session | None:
    """The session when both factors are proven, by a customer of this client's data space."""
    session = visit.session
    fits = session is not None and session.is_full and session.partner == found.partner
    return session if fits else None


def needs_fresh(visit: Visit, session: Session, asks: Sequence[Ask]) -> bool:
    """Whether a payment is asked for and the last proof is too old for it."""
    pays = any(ask.request.pays for ask in asks)
    return pays and not is_fresh(session, visit.pages.clock.now())


def digests(fields: Mapping[str, list[str]]) -> list[bytes]:
    """What the page had shown, as the form brings it back; ConsentChanged for anything else."""
    try:
        return [bytes.fromhex(each) for each in fields.get("terms", [])]
    except ValueError as error:
        raise ConsentChanged from error
