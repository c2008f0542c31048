"""The life cycle of product versions: draft, review, sandbox, canary, live, deprecated, offline.

Always true: a version moves only along the table of ``model``, past the gates of ``rules``, when as
many different people agreed as the table asks, none of whom wrote it (but to hand it in or take it
back); each move keeps who agreed, why, and whom it touched. A shipped product without a stored
version is live. Source: catalogue guide section 6; security guide section 8 (four eyes).

Public: State, ProductVersion, Draft, Terms, Wish, Outcome, Gate, Reason, Agreement, Kind, Kinds,
Definition, World; register, register_draft, versions, versions_of, version_of, served_versions,
outlook, move, may_take_part, catalogue_with, agreements, notices, moves; vouch, evidence, Evidence,
Run, Word, keep_runs, may_prove, standing, vouchers, provable, digest_of; Ground, open_ground,
open_grounds, close_ground;
waiver_text, waive, Signed, waivers_of, prove, proof_of; suspend, resume, suspensions; product_at,
shipped_version, onward; MAKING, TRIAL, STANDING, NOTICE_DAYS, SHARES, PROVEN, VOUCHED, VOUCHERS,
SHADOW, PREFIX, SAID; the refusals of ``errors``.
"""

from bankside.catalog.lifecycle.errors import (
    DraftFrozen,
    DraftInvalid,
    FourEyes,
    GateClosed,
    MoveRefused,
    NotOffered,
    ProofNotYet,
    RightMissing,
    TermsDiffer,
    TermsInvalid,
    VersionUnknown,
    WaiverInvalid,
)
from bankside.catalog.lifecycle.events import PREFIX
from bankside.catalog.lifecycle.evidence import (
    PROVEN,
    SHADOW,
    VOUCHED,
    VOUCHERS,
    Evidence,
    Run,
    Word,
    standing,
    vouchers,
)
from bankside.catalog.lifecycle.gate import SAID, Gate, Reason
from bankside.catalog.lifecycle.gathering import World
from bankside.catalog.lifecycle.kind import Definition, Kind, Kinds
from bankside.catalog.lifecycle.model import (
    MAKING,
    NOTICE_DAYS,
    STANDING,
    TRIAL,
    Agreement,
    Draft,
    Ground,
    ProductVersion,
    State,
    Terms,
    onward,
)
from bankside.catalog.lifecycle.proof import prove
from bankside.catalog.lifecycle.proving import digest_of, keep_runs, may_prove, provable, vouch
from bankside.catalog.lifecycle.reading import product_at, shipped_version
from bankside.catalog.lifecycle.rules import SHARES
from bankside.catalog.lifecycle.service import (
    Outcome,
    Wish,
    catalogue_with,
    may_take_part,
    move,
    outlook,
    register,
    register_draft,
    resume,
    served_versions,
    suspend,
    version_of,
    versions_of,
)
from bankside.catalog.lifecycle.store import (
    agreements,
    close_ground,
    evidence,
    moves,
    notices,
    open_ground,
    open_grounds,
    suspensions,
    versions,
)
from bankside.catalog.lifecycle.store import proof as proof_of
from bankside.catalog.lifecycle.store import waivers as waivers_of
from bankside.catalog.lifecycle.waivers import Signed, waive, waiver_text

__all__ = [
    "MAKING",
    "NOTICE_DAYS",
    "PREFIX",
    "PROVEN",
    "SAID",
    "SHADOW",
    "SHARES",
    "STANDING",
    "TRIAL",
    "VOUCHED",
    "VOUCHERS",
    "Agreement",
    "Definition",
    "Draft",
    "DraftFrozen",
    "DraftInvalid",
    "Evidence",
    "FourEyes",
    "Gate",
    "GateClosed",
    "Ground",
    "Kind",
    "Kinds",
    "MoveRefused",
    "NotOffered",
    "Outcome",
    "ProductVersion",
    "ProofNotYet",
    "Reason",
    "RightMissing",
    "Run",
    "Signed",
    "State",
    "Terms",
    "TermsDiffer",
    "TermsInvalid",
    "VersionUnknown",
    "WaiverInvalid",
    "Wish",
    "Word",
    "World",
    "agreements",
    "catalogue_with",
    "close_ground",
    "digest_of",
    "evidence",
    "keep_runs",
    "may_prove",
    "may_take_part",
    "move",
    "moves",
    "notices",
    "onward",
    "open_ground",
    "open_grounds",
    "outlook",
    "product_at",
    "proof_of",
    "provable",
    "prove",
    "register",
    "register_draft",
    "resume",
    "served_versions",
    "shipped_version",
    "standing",
    "suspend",
    "suspensions",
    "version_of",
    "versions",
    "versions_of",
    "vouch",
    "vouchers",
    "waive",
    "waiver_text",
    "waivers_of",
]
