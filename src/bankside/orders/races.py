"""What it means that the database refused a row: a lost race, a limit, a thing used twice."""

import asyncpg

from bankside.bank.accounts import ONE_MOVER, ONE_OF_CLASS, ONE_PENSION, SPENT_ONCE, PayerTokenUsed
from bankside.identity.assertions import USED_ONCE, ProofUsed
from bankside.identity.consents import IN_FORCE, WITHIN_LIMIT, LimitOfConsentExceeded
from bankside.orders.errors import LimitPerDay

# Each of these is violated by the second of two writers, and by nothing else.
RACES = frozenset(
    {
        "journal_one_writer",
        "journal_reference",
        "orders_reference",
        "idempotency_key_once",
        "codes_used_once",
        "outbox_partner_id_object_id_object_seq_key",
        ONE_MOVER,
        ONE_OF_CLASS,
        ONE_PENSION,
        IN_FORCE,
    }
)


class Moved(Exception):
    """Somebody else changed what a decision was based on: read again, decide again."""


def meaning(error: asyncpg.IntegrityConstraintViolationError) -> Exception:
    """What a violated constraint says about the decision that led to it."""
    if error.constraint_name == "usage_within_day_limit":
        return LimitPerDay()
    if error.constraint_name == WITHIN_LIMIT:
        return LimitOfConsentExceeded()
    if error.constraint_name == USED_ONCE:
        return ProofUsed()
    if error.constraint_name == SPENT_ONCE:
        return PayerTokenUsed()
    if error.constraint_name in RACES:
        return Moved()
    return error
