"""Use cases of the decisions slice; each runs in the caller's transaction."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bankside.identity import authorisations, backchannel, consents
from bankside.identity.authorisations import Approval, Asked, Interaction
from bankside.identity.backchannel import Waiting
from bankside.identity.consents import Agreement, Consent, ConsentChanged, ConsentStatus
from bankside.identity.decisions import store
from bankside.identity.decisions.asking import Ask, asks_of
from bankside.identity.sessions import Session
from bankside.identity.signing_keys import Minter
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import AccountId, CustomerId
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
    db: Connection, clock: Clock, minter: Minter, found: Interaction, said: Decision
) -> str:
    """The customer has agreed to all that is asked: the address their browser goes to.

    Consents, grant and code commit together. Raises ConsentInvalid, ConsentChanged,
    ConsentAccountsInvalid and the refusals of ``authorisations.approve``.
    """
    asks = await _asks_shown(db, clock, found, said)
    approval = _approval(clock, found, asks, said)
    grant, address = await authorisations.approve(db, clock, minter, found, approval)
    await _agree(db, clock, asks, said, grant.id)
    return address


async def approve_waiting(db: Connection, clock: Clock, found: Waiting, said: Decision) -> None:
    """The customer has agreed, on its own page, to what a client asks from elsewhere.

    Consents and grant commit together. Raises ConsentInvalid, ConsentChanged,
    ConsentAccountsInvalid and the refusals of ``backchannel.approve``.
    """
    asks = await _asks_shown(db, clock, found, said)
    approval = _approval(clock, found, asks, said)
    grant = await backchannel.approve(db, clock, found, approval)
    await _agree(db, clock, asks, said, grant.id)


async def refuse_waiting(db: Connection, clock: Clock, found: Waiting) -> None:
    """The customer has refused, on its own page. Raises ApprovalFinished."""
    await backchannel.deny(db, clock, found)
    await _reject(db, clock, found, CustomerId(found.customer))


async def refuse(
    db: Connection, clock: Clock, minter: Minter, found: Interaction, session: Session | None
) -> str:
    """The customer has refused: the address their browser goes to.

    Nobody needs to log in to say no; who had logged in finds the refusal among its consents.
    """
    address = await authorisations.deny(db, clock, minter, found)
    await _reject(db, clock, found, session.customer if session else None)
    return address


async def take_back(
    db: Connection, clock: Clock, partner: str, consent_id: str, *, customer: str
) -> Consent:
    """The customer has taken the consent back, and the client's tokens that stood on it alone.

    Raises ConsentUnknown, ConsentTransitionRefused.
    """
    found = await consents.revoke_consent(db, clock, partner, consent_id, customer=customer)
    await _end_empty_grant(db, clock, found)
    return found


async def give_back(
    db: Connection, clock: Clock, partner: str, consent_id: str, *, client: str
) -> Consent:
    """The client has given the consent back, and its tokens that stood on it alone.

    Raises ConsentUnknown.
    """
    found = await consents.terminate_consent(db, clock, partner, consent_id, client=client)
    await _end_empty_grant(db, clock, found)
    return found


async def give_back_grant(
    db: Connection, clock: Clock, partner: str, grant: str, *, client: str
) -> bool:
    """The client has given back all that one answer of a customer gave it; False: no such grant."""
    found = await authorisations.read_grant(db, partner, grant)
    if found is None or found.client_id != client or not found.is_live(clock.now()):
        return False
    for each in await consents.consents_of_grant(db, clock, partner, grant):
        if each.status is ConsentStatus.AUTHORISED:
            await consents.terminate_consent(db, clock, partner, each.id, client=client)
    await authorisations.revoke_grant(db, clock, partner, grant)
    return True


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


async def _end_empty_grant(db: Connection, clock: Clock, ended: Consent) -> None:
    """A grant that no consent stands for any more ends with the last of them."""
    if ended.grant is None:
        return
    beside = await consents.consents_of_grant(db, clock, ended.partner, ended.grant)
    if not any(each.status is ConsentStatus.AUTHORISED for each in beside):
        await authorisations.revoke_grant(db, clock, ended.partner, ended.grant)


async def _asks_shown(db: Connection, clock: Clock, found: Asked, said: Decision) -> Sequence[Ask]:
    """What is asked, if the page had shown just as many; or ConsentChanged."""
    asks = await asks_of(db, clock, found)
    if len(said.shown) != len(asks) or len(said.chosen) != len(asks):
        raise ConsentChanged
    return asks


def _approval(clock: Clock, found: Asked, asks: Sequence[Ask], said: Decision) -> Approval:
    """The customer's yes in the words of a grant, which ends with the first of its consents."""
    until = [each.request.valid_until for each in asks if each.request.valid_until]
    details = [
        ask.with_choice(accounts) for ask, accounts in zip(asks, _checked(said.chosen), strict=True)
    ]
    return Approval(
        subject=said.session.customer,
        scopes=frozenset(found.scopes),
        authorization_details=tuple(each for each in details if each is not None),
        auth_time=said.session.authenticated_at,
        amr=said.session.amr,
        until=min(until, default=clock.now() + GRANT_TTL),
    )


async def _agree(
    db: Connection, clock: Clock, asks: Sequence[Ask], said: Decision, grant: str
) -> None:
    """The consents begin that the grant stands on."""
    for ask, accounts, shown in zip(asks, said.chosen, said.shown, strict=True):
        consent_id = ask.stored or (await consents.request_consent(db, clock, ask.request)).id
        agreement = Agreement(
            customer=said.session.customer,
            accounts=dict.fromkeys(accounts, ask.request.permissions),
            shown=shown,
            amr=said.session.amr,
            grant=grant,
        )
        partner = ask.request.partner
        await consents.authorise_consent(db, clock, partner, consent_id, agreement)


async def _reject(db: Connection, clock: Clock, found: Asked, customer: CustomerId | None) -> None:
    """What was asked stands among the refused; ``customer`` None: nobody had logged in."""
    for ask in await _askable(db, clock, found):
        consent_id = ask.stored or (await consents.request_consent(db, clock, ask.request)).id
        await consents.reject_consent(db, clock, found.partner, consent_id, customer=customer)


async def _askable(db: Connection, clock: Clock, found: Asked) -> Sequence[Ask]:
    """The asks; none when they cannot even be shown, because saying no is always possible."""
    try:
        return await asks_of(db, clock, found)
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
