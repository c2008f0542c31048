"""SQL of the consents slice; every question takes the data space, the sweep alone excepted."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from bankside.identity.consents.model import (
    Agreement,
    Alignment,
    Consent,
    ConsentKind,
    ConsentStatus,
    PaymentTerms,
    PeriodLimit,
    PeriodType,
    Permission,
    RecurringTerms,
)
from bankside.identity.consents.periods import Period
from bankside.kernel.db import Connection, Row, Write
from bankside.kernel.ids import AccountId, ConsentId, CustomerId
from bankside.kernel.money import Money

_COLUMNS = (
    "partner_id, consent_id, client_id, client_name, request_ref, kind, status, purpose,"
    " permissions, amount_minor, currency, creditor_name, creditor_account,"
    " remittance_information, end_to_end_id, requested_at, answer_by, valid_until, customer_id,"
    " grant_id, amr, shown, authorised_at, ended_at, last_used_at, version, entries_from,"
    " entries_to, debtor_account, creditor_reference, recurring, stated"
)
# Violated when a consent was used up or ended between the decision and the commit.
IN_FORCE = "consent_in_force"
# Violated by the one of racing payments that would exceed a period's limit.
WITHIN_LIMIT = "consent_within_limit"
_USE = "select identity.use_consent($1, $2, $3, $4, $5)"
_SPEND = (
    "insert into identity.consent_spending"
    " (partner_id, consent_id, period, alignment, starts_on, spent, ceiling)"
    " values ($1, $2, $3, $4, $5, $6, $7)"
    " on conflict (partner_id, consent_id, period, alignment, starts_on)"
    " do update set spent = identity.consent_spending.spent + $6, ceiling = $7"
)


async def insert(db: Connection, consent: Consent) -> bool:
    """Store a consent nobody has answered; False when its request has asked before."""
    payment = consent.payment
    row = await db.fetchrow(
        "insert into identity.consents"
        " (partner_id, consent_id, client_id, client_name, request_ref, kind, status, purpose,"
        " permissions, amount_minor, currency, creditor_name, creditor_account,"
        " remittance_information, end_to_end_id, requested_at, answer_by, valid_until,"
        " entries_from, entries_to, debtor_account, creditor_reference, recurring, stated)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
        " $19, $20, $21, $22, $23::text::jsonb, $24::text::jsonb)"
        " on conflict do nothing returning consent_id",
        consent.partner,
        consent.id,
        consent.client,
        consent.client_name,
        consent.ref,
        consent.kind,
        consent.status,
        consent.purpose,
        sorted(consent.permissions),
        payment.amount.minor if payment else None,
        payment.amount.currency if payment else None,
        payment.creditor_name if payment else None,
        payment.creditor_account if payment else None,
        payment.remittance_information if payment else None,
        payment.end_to_end_id if payment else None,
        consent.requested_at,
        consent.answer_by,
        consent.valid_until,
        consent.entries_from,
        consent.entries_to,
        consent.debtor_account,
        payment.reference if payment else "",
        _json(_limits(consent.recurring)) if consent.recurring else None,
        _json(consent.stated) if consent.stated is not None else None,
    )
    return row is not None


async def find(
    db: Connection, partner: str, consent: str, *, for_update: bool = False
) -> Consent | None:
    """The data space's consent with this id."""
    lock = " for update" if for_update else ""
    row = await db.fetchrow(
        f"select {_COLUMNS} from identity.consents"  # noqa: S608 - constant texts
        f" where partner_id = $1 and consent_id = $2{lock}",
        partner,
        consent,
    )
    return (await _consents(db, [row]))[0] if row else None


async def page(
    db: Connection,
    of: tuple[str, str],
    before: str,
    limit: int,
    *,
    active: bool | None,
    at: datetime,
) -> list[Consent]:
    """Up to ``limit`` consents of (data space, customer), newest first.

    ``before`` "" begins at the newest; ``active`` as in ``service.consents_of``.
    """
    rows = await db.fetch(
        f"select {_COLUMNS} from identity.consents"  # noqa: S608 - constant column list
        " where partner_id = $1 and customer_id = $2 and ($3 = '' or consent_id < $3)"
        " and ($5::boolean is null or (status = 'authorised' and valid_until > $6) = $5)"
        " order by consent_id desc limit $4",
        *of,
        before,
        limit,
        active,
        at,
    )
    return await _consents(db, rows)


async def of_grant(db: Connection, partner: str, grant: str) -> list[Consent]:
    """All consents that one grant of the authorization server stands on, oldest first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from identity.consents"  # noqa: S608 - constant column list
        " where partner_id = $1 and grant_id = $2 order by consent_id",
        partner,
        grant,
    )
    return await _consents(db, rows)


async def authorise(db: Connection, consent: Consent, said: Agreement, *, at: datetime) -> int:
    """Write a customer's yes; the consent's new version."""
    version: int = await db.fetchval(
        "update identity.consents set status = 'authorised', customer_id = $3, shown = $4,"
        " amr = $5, grant_id = $6, authorised_at = $7, version = version + 1"
        " where partner_id = $1 and consent_id = $2 returning version",
        consent.partner,
        consent.id,
        said.customer,
        said.shown,
        list(said.amr),
        said.grant,
        at,
    )
    await db.executemany(
        "insert into identity.consent_accounts (partner_id, consent_id, account_id, permissions)"
        " values ($1, $2, $3, $4)",
        [
            (consent.partner, consent.id, account, sorted(permissions))
            for account, permissions in said.accounts.items()
        ],
    )
    return version


async def end(
    db: Connection,
    consent: Consent,
    status: ConsentStatus,
    *,
    customer: str | None,
    at: datetime,
) -> int:
    """Write a final status; ``customer`` when a customer decided it. The new version."""
    version: int = await db.fetchval(
        "update identity.consents set status = $3, customer_id = coalesce(customer_id, $4),"
        " ended_at = $5, last_used_at = case when $3 = 'consumed' then $5 else last_used_at end,"
        " version = version + 1"
        " where partner_id = $1 and consent_id = $2 returning version",
        consent.partner,
        consent.id,
        status,
        customer,
        at,
    )
    return version


async def used(
    db: Connection, partner: str, consent: str, *, at: datetime, not_since: datetime
) -> None:
    """Note a use, unless one after ``not_since`` is noted already."""
    await db.execute(
        "update identity.consents set last_used_at = $3"
        " where partner_id = $1 and consent_id = $2"
        " and (last_used_at is null or last_used_at <= $4)",
        partner,
        consent,
        at,
        not_since,
    )


def used_now(consent: Consent, *, at: datetime, consumes: bool) -> Write:
    """The consent is used at this instant, if it is still the one at hand; else IN_FORCE."""
    return Write(_USE, (consent.partner, consent.id, consent.version, at, consumes))


def spend(consent: Consent, limit: PeriodLimit, period: Period, minor: int) -> Write:
    """Adds to what was paid in a period; above its ceiling it violates WITHIN_LIMIT."""
    return Write(
        _SPEND,
        (
            consent.partner,
            consent.id,
            limit.period.value,
            limit.alignment.value,
            period.starts_on,
            minor,
            period.ceiling,
        ),
    )


async def spent(
    db: Connection, consent: Consent
) -> Mapping[tuple[PeriodType, Alignment, date], int]:
    """Minor units paid under the consent so far, by period."""
    rows = await db.fetch(
        "select period, alignment, starts_on, spent from identity.consent_spending"
        " where partner_id = $1 and consent_id = $2",
        consent.partner,
        consent.id,
    )
    return {
        (PeriodType(row["period"]), Alignment(row["alignment"]), row["starts_on"]): row["spent"]
        for row in rows
    }


async def run_out(
    db: Connection, at: datetime, limit: int, *, partner: str | None = None
) -> list[Consent]:
    """Up to ``limit`` consents, of one or any data space, that ended by the clock and say not."""
    rows = await db.fetch(
        f"select {_COLUMNS} from identity.consents"  # noqa: S608 - constant column list
        " where ($3::text is null or partner_id = $3)"
        " and ((status = 'authorised' and valid_until <= $1)"
        " or (status = 'awaiting_authorisation' and least(answer_by, valid_until) <= $1))"
        " order by valid_until limit $2 for update skip locked",
        at,
        limit,
        partner,
    )
    return await _consents(db, rows)


async def _consents(db: Connection, rows: Sequence[Row]) -> list[Consent]:
    """The rows as consents, with the accounts of all of them in one question."""
    chosen: dict[tuple[str, str], dict[AccountId, frozenset[Permission]]] = {}
    decided = [row for row in rows if row["authorised_at"] is not None]
    if decided:
        for row in await db.fetch(
            "select partner_id, consent_id, account_id, permissions"
            " from identity.consent_accounts"
            " where (partner_id, consent_id) in"
            " (select * from unnest($1::text[], $2::text[])) order by account_id",
            [row["partner_id"] for row in decided],
            [row["consent_id"] for row in decided],
        ):
            of = chosen.setdefault((row["partner_id"], row["consent_id"]), {})
            of[AccountId(row["account_id"])] = frozenset(map(Permission, row["permissions"]))
    return [_consent(row, chosen.get((row["partner_id"], row["consent_id"]), {})) for row in rows]


def _consent(row: Row, accounts: Mapping[AccountId, frozenset[Permission]]) -> Consent:
    return Consent(
        id=ConsentId(row["consent_id"]),
        partner=row["partner_id"],
        client=row["client_id"],
        client_name=row["client_name"],
        ref=row["request_ref"],
        kind=ConsentKind(row["kind"]),
        status=ConsentStatus(row["status"]),
        purpose=row["purpose"],
        permissions=frozenset(map(Permission, row["permissions"])),
        payment=_payment(row) if row["amount_minor"] is not None else None,
        requested_at=row["requested_at"],
        answer_by=row["answer_by"],
        valid_until=row["valid_until"],
        customer=CustomerId(row["customer_id"]) if row["customer_id"] else None,
        accounts=accounts,
        grant=row["grant_id"],
        amr=tuple(row["amr"]),
        shown=row["shown"],
        authorised_at=row["authorised_at"],
        ended_at=row["ended_at"],
        last_used_at=row["last_used_at"],
        version=row["version"],
        recurring=_recurring(row["recurring"]) if row["recurring"] else None,
        entries_from=row["entries_from"],
        entries_to=row["entries_to"],
        debtor_account=row["debtor_account"],
        stated=msgspec.json.decode(row["stated"]) if row["stated"] else None,
    )


def _payment(row: Row) -> PaymentTerms:
    return PaymentTerms(
        amount=Money(row["amount_minor"], row["currency"]),
        creditor_name=row["creditor_name"],
        creditor_account=row["creditor_account"],
        remittance_information=row["remittance_information"],
        end_to_end_id=row["end_to_end_id"],
        reference=row["creditor_reference"],
    )


def _limits(terms: RecurringTerms) -> dict[str, Any]:
    return {
        "creditor_name": terms.creditor_name,
        "creditor_account": terms.creditor_account,
        "reference": terms.reference,
        "currency": terms.per_payment.currency,
        "per_payment": terms.per_payment.minor,
        "valid_from": terms.valid_from,
        "limits": [[each.period, each.alignment, each.amount.minor] for each in terms.limits],
    }


def _recurring(text: str) -> RecurringTerms:
    row = msgspec.json.decode(text)
    currency, begins = row["currency"], row["valid_from"]
    return RecurringTerms(
        creditor_name=row["creditor_name"],
        creditor_account=row["creditor_account"],
        reference=row["reference"],
        per_payment=Money(row["per_payment"], currency),
        valid_from=datetime.fromisoformat(begins) if begins else None,
        limits=tuple(
            PeriodLimit(PeriodType(period), Alignment(alignment), Money(minor, currency))
            for period, alignment, minor in row["limits"]
        ),
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
