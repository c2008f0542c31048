"""Use cases of the consents slice; each runs in the caller's transaction and locks the consent.

Time is that of the consent's data space: a sandbox's own clock may have been moved.
"""

from dataclasses import replace
from datetime import timedelta

from bankside.bank.accounts import Account, accounts_of
from bankside.identity.consents import events, rules, store
from bankside.identity.consents.errors import (
    ConsentChanged,
    ConsentExists,
    ConsentNotActive,
    ConsentUnknown,
    LimitOfConsentExceeded,
)
from bankside.identity.consents.model import (
    Agreement,
    Consent,
    ConsentRequest,
    ConsentStatus,
    PaymentTerms,
    moved,
)
from bankside.identity.consents.periods import period_at
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Write
from bankside.kernel.ids import ConsentId, CustomerId, is_reference, new_id
from bankside.kernel.money import Money
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.partners import clock_of

# "Last used" is told to the minute; a busy client must not write a row a call.
USE_NOTED_EVERY = timedelta(minutes=1)
# As many accounts as a page can show; who has more chooses at a branch.
ELIGIBLE_MAX = 100
# One sweep holds its locks for some milliseconds a consent.
SWEEP_MAX = 200


async def request_consent(db: Connection, clock: Clock, asked: ConsentRequest) -> Consent:
    """The consent stands and awaits a customer's answer.

    Raises ConsentInvalid, and ConsentExists when this request of the client has asked before.
    """
    clock = await clock_of(db, clock, asked.partner)
    now = clock.now()
    until = rules.admitted(asked, now)
    consent = Consent(
        id=ConsentId(new_id("consent", clock)),
        partner=asked.partner,
        client=asked.client,
        client_name=asked.client_name,
        ref=asked.ref,
        kind=asked.kind,
        status=ConsentStatus.AWAITING_AUTHORISATION,
        purpose=asked.purpose,
        permissions=asked.permissions,
        payment=asked.payment,
        recurring=asked.recurring,
        entries_from=asked.entries_from,
        entries_to=asked.entries_to,
        debtor_account=asked.debtor_account,
        stated=asked.stated,
        requested_at=now,
        answer_by=rules.answer_by(asked, now),
        valid_until=until,
    )
    if not await store.insert(db, consent):
        raise ConsentExists
    await events.publish(db, clock, events.CONSENT_REQUESTED, consent)
    return consent


async def authorise_consent(
    db: Connection, clock: Clock, partner: str, consent_id: str, said: Agreement
) -> Consent:
    """The customer has said yes: the client may do this on these accounts from now on.

    Raises ConsentUnknown, ConsentTransitionRefused (answered or run out), ConsentChanged (the
    customer saw other terms), ConsentAccountsInvalid (not the customer's, none, too many).
    """
    clock = await clock_of(db, clock, partner)
    found = await _locked(db, clock, partner, consent_id)
    moved(found.status, ConsentStatus.AUTHORISED)
    if said.shown != rules.terms_digest(rules.request_of(found)):
        raise ConsentChanged
    eligible = await eligible_accounts(db, partner, said.customer, rules.request_of(found))
    rules.checked_accounts(found, said.accounts, eligible={each.id for each in eligible})
    version = await store.authorise(db, found, said, at=clock.now())
    consent = replace(
        found,
        status=ConsentStatus.AUTHORISED,
        customer=said.customer,
        accounts=dict(said.accounts),
        grant=said.grant,
        amr=said.amr,
        shown=said.shown,
        authorised_at=clock.now(),
        version=version,
    )
    await events.publish(db, clock, events.CONSENT_AUTHORISED, consent)
    return consent


async def reject_consent(
    db: Connection, clock: Clock, partner: str, consent_id: str, *, customer: CustomerId | None
) -> Consent:
    """The customer has said no. Raises ConsentUnknown, ConsentTransitionRefused.

    ``customer`` None: refused on the page before anybody logged in.
    """
    clock = await clock_of(db, clock, partner)
    found = await _locked(db, clock, partner, consent_id)
    return await _ended(
        db, clock, found, (ConsentStatus.REJECTED, events.CONSENT_REJECTED), customer
    )


async def revoke_consent(
    db: Connection, clock: Clock, partner: str, consent_id: str, *, customer: str
) -> Consent:
    """The customer has taken the consent back; revoking it again changes nothing.

    Raises ConsentUnknown (also for another customer's) and ConsentTransitionRefused.
    """
    clock = await clock_of(db, clock, partner)
    found = await _locked(db, clock, partner, consent_id)
    if found.customer != customer:
        raise ConsentUnknown
    if found.status is ConsentStatus.REVOKED:
        return found
    return await _ended(db, clock, found, (ConsentStatus.REVOKED, events.CONSENT_REVOKED), None)


async def terminate_consent(
    db: Connection, clock: Clock, partner: str, consent_id: str, *, client: str
) -> Consent:
    """The client has given the consent back; giving it back again changes nothing.

    Raises ConsentUnknown (also for another client's); a consent that ended otherwise stays so.
    """
    clock = await clock_of(db, clock, partner)
    found = await _locked(db, clock, partner, consent_id)
    if found.client != client:
        raise ConsentUnknown
    if found.status not in {ConsentStatus.AWAITING_AUTHORISATION, ConsentStatus.AUTHORISED}:
        return found
    change = (ConsentStatus.TERMINATED, events.CONSENT_TERMINATED)
    return await _ended(db, clock, found, change, None)


def consumption(clock: Clock, found: Consent) -> tuple[Write, ...]:
    """The writes that use the consent up, inside the transaction of its one payment.

    They violate IN_FORCE when the consent has been used, taken back or ended meanwhile. Raises
    ConsentNotActive.
    """
    now = clock.now()
    rules.checked_active(found, now)
    moved(found.status, ConsentStatus.CONSUMED)
    after = replace(
        found,
        status=ConsentStatus.CONSUMED,
        ended_at=now,
        last_used_at=now,
        version=found.version + 1,
    )
    told = events.told(clock, events.CONSENT_CONSUMED, after)
    return (store.used_now(found, at=now, consumes=True), told)


async def spending(
    db: Connection, clock: Clock, found: Consent, amount: Money
) -> tuple[Write, ...]:
    """The writes that count one payment against every limit of a recurring consent.

    They violate IN_FORCE as ``consumption`` does, and WITHIN_LIMIT when racing payments together
    would exceed a period. Raises ConsentNotActive, LimitOfConsentExceeded, PaymentDiffers.
    """
    now = clock.now()
    rules.checked_active(found, now)
    rules.checked_limits(found, amount)
    assert found.recurring is not None, "checked_limits refuses other consents"
    begun = rules.in_force_since(found)
    if now < begun:
        raise ConsentNotActive("the consent is not in force yet")
    writes: list[Write] = [store.used_now(found, at=now, consumes=False)]
    spent = await store.spent(db, found)
    for limit in found.recurring.limits:
        period = period_at(limit, begun, now)
        before = spent.get((limit.period, limit.alignment, period.starts_on), 0)
        if before + amount.minor > period.ceiling:
            left = Money(max(period.ceiling - before, 0), amount.currency)
            raise LimitOfConsentExceeded(
                f"{left} {amount.currency} can still be paid until {period.ends_on}"
                f" ({limit.period}, {limit.alignment})"
            )
        writes.append(store.spend(found, limit, period, amount.minor))
    return tuple(writes)


async def consume_consent(
    db: Connection, clock: Clock, partner: str, consent_id: str, payment: PaymentTerms
) -> Consent:
    """The payment that was agreed to is being made: the consent is used up.

    Call it in the payment's own transaction (``consumption`` for one that the ledger's collector
    commits). Raises ConsentUnknown, ConsentNotActive (of two
    payments with one consent the second), PaymentDiffers.
    """
    clock = await clock_of(db, clock, partner)
    found = await _locked(db, clock, partner, consent_id)
    rules.checked_active(found, clock.now())
    rules.checked_same_payment(found, payment)
    return await _ended(db, clock, found, (ConsentStatus.CONSUMED, events.CONSENT_CONSUMED), None)


async def consent(db: Connection, clock: Clock, partner: str, consent_id: str) -> Consent:
    """The consent with the status it has at this instant, or ConsentUnknown."""
    clock = await clock_of(db, clock, partner)
    found = await store.find(db, partner, consent_id) if is_reference(consent_id) else None
    if found is None:
        raise ConsentUnknown
    return _now(found, clock)


async def consent_of_client(
    db: Connection, clock: Clock, partner: str, consent_id: str, *, client: str
) -> Consent:
    """The client's consent, whatever its status, or ConsentUnknown (also for another client's)."""
    found = await consent(db, clock, partner, consent_id)
    if found.client != client:
        raise ConsentUnknown
    return found


async def active_consent(
    db: Connection, clock: Clock, partner: str, consent_id: str, *, client: str
) -> Consent:
    """The client's consent, if it is authorised at this very instant: ask at the moment of use.

    ``rules.allows`` then answers for one account and permission. Raises ConsentUnknown (also for
    another client's) and ConsentNotActive.
    """
    clock = await clock_of(db, clock, partner)
    found = await consent_of_client(db, clock, partner, consent_id, client=client)
    rules.checked_active(found, clock.now())
    return found


async def consents_of(
    db: Connection,
    clock: Clock,
    of: tuple[str, str],
    *,
    cursor: str | None = None,
    limit: int | None = None,
    active: bool | None = None,
) -> Page[Consent]:
    """What a customer was asked, newest first, with the status of this instant.

    ``of`` is (data space, customer).
    ``active``: only those authorised now, or only the others. Raises LimitInvalid, CursorInvalid.
    """
    clock = await clock_of(db, clock, of[0])
    size, before = checked_limit(limit), checked_cursor(cursor)
    at = clock.now()
    found = await store.page(db, of, before, size + 1, active=active, at=at)
    return Page.cut([_now(each, clock) for each in found], size, key=lambda each: each.id)


async def consents_of_grant(
    db: Connection, clock: Clock, partner: str, grant: str
) -> tuple[Consent, ...]:
    """What the customer agreed to in one answer, with the status of this instant."""
    clock = await clock_of(db, clock, partner)
    return tuple(_now(each, clock) for each in await store.of_grant(db, partner, grant))


async def record_use(db: Connection, clock: Clock, partner: str, consent_id: str) -> None:
    """The consent was used just now; told to the customer, to the minute."""
    clock = await clock_of(db, clock, partner)
    now = clock.now()
    await store.used(db, partner, consent_id, at=now, not_since=now - USE_NOTED_EVERY)


async def record_expiries(db: Connection, clock: Clock, *, partner: str | None = None) -> int:
    """Consents that ended by the clock are stored as expired and told of; how many there were.

    ``partner``: of this data space only. Nothing waits for this: it is for those who listen. At
    most SWEEP_MAX at a time.
    """
    found = await store.run_out(db, clock.now(), SWEEP_MAX, partner=partner)
    for each in found:
        await _ended(db, clock, each, (ConsentStatus.EXPIRED, events.CONSENT_EXPIRED), None)
    return len(found)


async def eligible_accounts(
    db: Connection, partner: str, customer: str, asked: ConsentRequest
) -> list[Account]:
    """The customer's accounts that it may choose for this request, at most ELIGIBLE_MAX."""
    page = await accounts_of(db, partner, customer=customer, limit=ELIGIBLE_MAX)
    return [each for each in page.items if rules.is_eligible(asked, each)]


async def _locked(db: Connection, clock: Clock, partner: str, consent_id: str) -> Consent:
    """The consent, locked, with the status of this instant."""
    known = is_reference(consent_id)
    found = await store.find(db, partner, consent_id, for_update=True) if known else None
    if found is None:
        raise ConsentUnknown
    return _now(found, clock)


async def _ended(
    db: Connection,
    clock: Clock,
    found: Consent,
    change: tuple[ConsentStatus, str],
    customer: CustomerId | None,
) -> Consent:
    """The consent, locked before, gets a final status and the event that tells of it."""
    to, fact = change
    moved(found.status, to)
    now = clock.now()
    version = await store.end(db, found, to, customer=customer, at=now)
    consent = replace(
        found,
        status=to,
        customer=found.customer or customer,
        ended_at=now,
        last_used_at=now if to is ConsentStatus.CONSUMED else found.last_used_at,
        version=version,
    )
    await events.publish(db, clock, fact, consent)
    return consent


def _now(found: Consent, clock: Clock) -> Consent:
    return replace(found, status=rules.status_of(found, clock.now()))
