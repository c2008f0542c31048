"""Use cases of the decisions slice; each runs in the caller's transaction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bankside.identity import authorisations, consents
from bankside.identity.authorisations import Approval, Interaction
from bankside.identity.consents import Agreement, Consent, ConsentChanged, ConsentStatus
from bankside.identity.decisions import store
from bankside.identity.decisions.asking import Ask, asks_of
from bankside.identity.sessions import Session
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import AccountId
from bankside.kernel.secrets import SealBroken, Vault

# The code in an answer lives for 60 s; after that the answer is worth nothing.
ANSWER_TTL = timedelta(seconds=60)
SWEEP_MAX = 10_000
# A grant that no consent limits (identity only) ends with the longest consent.
GRANT_TTL = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A customer's yes: the accounts chosen for each ask, and what the page had shown for it."""

    session: Session
    chosen: Sequence[Sequence[AccountId]]
    shown: Sequence[bytes]


async def approve(
    db: Connection, clock: Clock, issuer: str, found: Interaction, said: Decision
) -> str:
    """The customer has agreed to all that is asked: the address their browser goes to.

    Consents, grant and code commit together. Raises ConsentInvalid, ConsentChanged,
    ConsentAccountsInvalid and the refusals of ``authorisations.approve``.
    """
    asks = asks_of(found)
    if len(said.shown) != len(asks) or len(said.chosen) != len(asks):
        raise ConsentChanged
    now = clock.now()
    until = [each.request.valid_until for each in asks if each.request.valid_until]
    details = [
        ask.with_choice(accounts) for ask, accounts in zip(asks, _checked(said.chosen), strict=True)
    ]
    grant, address = await authorisations.approve(
        db,
        clock,
        issuer,
        found,
        Approval(
            subject=said.session.customer,
            scopes=frozenset(found.scopes),
            authorization_details=tuple(each for each in details if each is not None),
            auth_time=said.session.authenticated_at,
            amr=said.session.amr,
            until=min(until, default=now + GRANT_TTL),
        ),
    )
    for ask, accounts, shown in zip(asks, said.chosen, said.shown, strict=True):
        consent = await consents.request_consent(db, clock, ask.request)
        agreement = Agreement(
            customer=said.session.customer,
            accounts=dict.fromkeys(accounts, ask.request.permissions),
            shown=shown,
            amr=said.session.amr,
            grant=grant.id,
        )
        await consents.authorise_consent(db, clock, found.partner, consent.id, agreement)
    return address


async def refuse(
    db: Connection, clock: Clock, issuer: str, found: Interaction, session: Session | None
) -> str:
    """The customer has refused: the address their browser goes to.

    Nobody needs to log in to say no; who had logged in finds the refusal among its consents.
    """
    address = await authorisations.deny(db, clock, issuer, found)
    for ask in _askable(found):
        consent = await consents.request_consent(db, clock, ask.request)
        customer = session.customer if session else None
        await consents.reject_consent(db, clock, found.partner, consent.id, customer=customer)
    return address


async def take_back(
    db: Connection, clock: Clock, partner: str, consent_id: str, *, customer: str
) -> Consent:
    """The customer has taken the consent back, and the client's tokens that stood on it alone.

    Raises ConsentUnknown, ConsentTransitionRefused.
    """
    found = await consents.revoke_consent(db, clock, partner, consent_id, customer=customer)
    if found.grant:
        beside = await consents.consents_of_grant(db, clock, partner, found.grant)
        if not any(each.status is ConsentStatus.AUTHORISED for each in beside):
            await authorisations.revoke_grant(db, clock, partner, found.grant)
    return found


async def remember_answer(
    db: Connection, clock: Clock, found: Interaction, address: str, *, browser: str
) -> None:
    """A second click of this browser within a minute gets the same address.

    Sealed under the browser's own secret: what the database keeps opens to nobody else.
    """
    sealed = _vault(browser).seal(address.encode(), purpose=_purpose(found.id))
    key = (found.partner, found.id, _hash(browser))
    await store.put_answer(db, key, sealed, at=clock.now())


async def answer_again(
    db: Connection, clock: Clock, interaction_id: str, *, browser: str
) -> str | None:
    """The address this browser was sent to when it decided, for a minute; None otherwise."""
    since = clock.now() - ANSWER_TTL
    sealed = await store.answer(db, interaction_id, _hash(browser), since=since)
    if sealed is None:
        return None
    try:
        return _vault(browser).open(sealed, purpose=_purpose(interaction_id)).decode()
    except SealBroken:
        return None


async def forget_answers(db: Connection, clock: Clock) -> int:
    """Answers nobody can get again are gone, at most SWEEP_MAX; how many."""
    return await store.remove_answers(db, before=clock.now() - ANSWER_TTL, limit=SWEEP_MAX)


def _askable(found: Interaction) -> Sequence[Ask]:
    """The asks; none when they cannot even be shown, because saying no is always possible."""
    try:
        return asks_of(found)
    except consents.ConsentInvalid:
        return ()


def _checked(chosen: Sequence[Sequence[AccountId]]) -> Sequence[Sequence[AccountId]]:
    """The choice, or ConsentAccountsInvalid when nothing was chosen for an ask."""
    if any(not accounts for accounts in chosen):
        raise consents.ConsentAccountsInvalid("choose an account")
    return chosen


def _vault(browser: str) -> Vault:
    return Vault(hashlib.sha256(f"decision answer\x1f{browser}".encode()).digest())


def _hash(browser: str) -> bytes:
    return hashlib.sha256(browser.encode()).digest()


def _purpose(interaction_id: str) -> str:
    return f"answer:{interaction_id}"
