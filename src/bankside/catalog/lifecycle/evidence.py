"""What speaks for a product version: checks that the platform ran on it, and what people vouch for.

Always true: evidence names the content it is about by its digest and counts for no other; all of it
is kept, and of several runs of one check the last one counts; who wrote a version does not vouch
for it, and one person's word is not enough. Source: catalogue guide section 6 (sandbox, canary).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import msgspec

from bankside.catalog.lifecycle.model import ProductVersion
from bankside.catalog.model import Product

# What the platform runs itself, over a running edge (`bankside product prove`).
PROVEN = ("contract-fuzz", "docs-samples", "magic-values")
# What two people vouch for, because its runs stand elsewhere: the crash suite of the platform runs
# where the platform is built, the comparison on copies of live requests is not built.
VOUCHED = ("crash-tests",)
SHADOW = "shadow-compare"
VOUCHERS = 2

CheckState = Literal["proven", "unproven", "outdated", "disproven"]


@dataclass(frozen=True, slots=True)
class Word:
    """Somebody's word: for which check, and where its run is written."""

    what: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One check as the platform ran it: ``facts`` hold seed, counts, faults and release."""

    what: str
    passed: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was kept: a run, or (``run`` None) somebody's word with where it is written.

    ``digest`` names the content it is about; None: kept before evidence named any. ``person`` is
    empty for a run that nobody put their name to.
    """

    what: str
    passed: bool
    digest: bytes | None
    reference: str
    person: str
    run: Mapping[str, Any] | None
    at: datetime


def content_digest(version: ProductVersion, product: Product) -> bytes:
    """SHA-256 of the version's definition; of the product as read where the package ships it."""
    content = product if version.definition is None else version.definition
    return sha256(msgspec.json.encode(content, order="sorted")).digest()


def standing(kept: Sequence[Evidence], digest: bytes) -> dict[str, CheckState]:
    """How each check that the platform runs stands for this content; ``kept`` oldest first."""
    found: dict[str, CheckState] = dict.fromkeys(PROVEN, "unproven")
    for each in kept:
        if each.run is None or each.what not in found:
            continue
        if each.digest == digest:
            found[each.what] = "proven" if each.passed else "disproven"
        elif found[each.what] == "unproven":
            found[each.what] = "outdated"
    return found


def vouchers(kept: Sequence[Evidence], digest: bytes) -> dict[str, frozenset[str]]:
    """Who vouches for what of this content."""
    found: dict[str, frozenset[str]] = {}
    for each in kept:
        if each.run is None and each.digest == digest:
            found[each.what] = found.get(each.what, frozenset()) | {each.person}
    return found
