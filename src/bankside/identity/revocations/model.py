"""A revocation as a value, and the terms of the edges' leases."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Kind = Literal["token", "grant", "consent"]

# Announces the number of each revocation (`migrations/0070-revocations.sql`).
CHANNEL = "bankside_revocations"
# How long an edge may answer calls by token without hearing from the database. The guide's second:
# an edge that is cut off delays a revocation by no more than this.
LEASE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Revocation:
    """What ended. ``subject`` is the SHA-256 of a token in hex, or the id of a grant or consent.

    ``grant`` is what tokens of an ended consent hang on; None when it has none.
    """

    seq: int
    kind: Kind
    partner: str
    subject: str
    grant: str | None
