"""What waits for the customer's answer from elsewhere: the list, one request, yes and no.

Always true: only the customer who was asked sees a request; what is agreed to is what the page had
shown, by digest; a payment asks for a factor proven just now, as before every other payment.
"""

from collections.abc import Mapping, Sequence

from bankside.console.customer import interactions, showing
from bankside.console.customer.places import approvals
from bankside.console.entry import AnyResponse, Visit, logged_in, one
from bankside.console.entry.errors import FormInvalid
from bankside.console.pages import Look
from bankside.console.showing import shown_time
from bankside.identity import decisions
from bankside.identity.backchannel import Waiting, waiting_approval, waiting_approvals
from bankside.identity.consents import ConsentAccountsInvalid, ConsentChanged
from bankside.identity.decisions import Decision
from bankside.identity.sessions import Session
from bankside.kernel.db import transaction
from bankside.kernel.ids import AccountId


async def approvals_page(visit: Visit) -> AnyResponse:
    """Everything that waits, oldest first."""
    session = logged_in(visit)
    if session is None:
        return visit.sent_to(approvals().login)
    pages = visit.pages
    async with pages.pool.acquire(timeout=2) as db:
        found = await waiting_approvals(db, pages.clock, session.partner, session.customer)
    shown = [
        {
            "id": each.id,
            "client": each.client_name,
            "message": each.binding_message,
            "until": shown_time(each.expires_at),
        }
        for each in found
    ]
    return visit.shown("customer_approvals.html", waiting=shown)


async def approval_page(visit: Visit, approval_id: str) -> AnyResponse:
    """One request with the accounts to choose from. Raises ApprovalUnknown, ApprovalFinished."""
    session = logged_in(visit)
    if session is None:
        return visit.sent_to(approvals().login)
    return await _asked(visit, session, await _found(visit, session, approval_id))


async def decide(visit: Visit, approval_id: str) -> AnyResponse:
    """The answer is carried out; the client hears it at its next poll."""
    fields = await visit.form()
    answer = one(fields, "decision")
    if answer not in {"approve", "refuse"}:
        raise FormInvalid
    session = logged_in(visit)
    if session is None:
        return visit.sent_to(approvals().login)
    found = await _found(visit, session, approval_id)
    if answer == "approve":
        return await _approved(visit, session, found, fields)
    async with transaction(visit.pages.pool) as db:
        await decisions.refuse_waiting(db, visit.pages.clock, found)
    return visit.sent_to(approvals().home)


async def _found(visit: Visit, session: Session, approval_id: str) -> Waiting:
    pages, own = visit.pages, (session.partner, session.customer)
    async with pages.pool.acquire(timeout=2) as db:
        return await waiting_approval(db, pages.clock, *own, approval_id)


async def _asked(
    visit: Visit, session: Session, found: Waiting, *, fault: str = "", ticked: Sequence[str] = ()
) -> AnyResponse:
    lang, asks = Look(visit.request).lang, await interactions.asks_in(visit, found)
    if interactions.needs_fresh(visit, session, asks):
        return visit.sent_to(approvals().second_factor)
    accounts = await interactions.choices(visit, found, asks, session)
    shown = [
        showing.ask_shown(ask, lang)
        | {"accounts": [showing.account_shown(each, lang) for each in choice]}
        for ask, choice in zip(asks, accounts, strict=True)
    ]
    return visit.shown(
        "customer_approval.html",
        status=422 if fault else 200,
        place=approvals(found.id),
        client=found.client_name,
        message=found.binding_message,
        asks=shown,
        scopes=showing.scopes_shown(found, lang),
        known=True,
        fault=fault,
        ticked=ticked,
    )


async def _approved(
    visit: Visit, session: Session, found: Waiting, fields: Mapping[str, list[str]]
) -> AnyResponse:
    pages, asks = visit.pages, await interactions.asks_in(visit, found)
    if interactions.needs_fresh(visit, session, asks):
        return visit.sent_to(approvals().second_factor)
    chosen = [
        [AccountId(each) for each in fields.get(f"account-{number}", [])]
        for number in range(len(asks))
    ]
    try:
        shown = interactions.digests(fields)
        said = Decision(session=session, chosen=chosen, shown=shown)
        async with transaction(pages.pool) as db:
            await decisions.approve_waiting(db, pages.clock, found, said)
    except ConsentAccountsInvalid:
        ticked = [each for choice in chosen for each in choice]
        return await _asked(visit, session, found, fault="consent.fault.accounts", ticked=ticked)
    except ConsentChanged:
        return await _asked(visit, session, found, fault="consent.fault.changed")
    return visit.sent_to("/my/consents")
