"""The review: what a person says of an imported description, read strictly and held against it.

Always true: a review that is taken names every operation of its description once, and says of each
whether it is kept; an unknown word in it is an error, so that a misspelt one changes nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from bankside.catalog.imports.errors import DescriptionRefused, ReviewInvalid
from bankside.catalog.imports.model import Described
from bankside.catalog.imports.naming import SET_NAME, shape
from bankside.catalog.imports.proposing import FORMAT, Review
from bankside.catalog.imports.source import read_source

Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Pointer = Annotated[str, Meta(pattern=r"^(/[^/]{1,100}){1,8}$", max_length=500)]
HeaderName = Annotated[str, Meta(pattern=r"^([A-Za-z0-9-]{1,60})?$")]
HeaderValue = Annotated[str, Meta(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,500}[\x21-\x7e])?$")]
_CATEGORY = re.compile(r"[a-z]{2,20}")
_PATH = re.compile(r"/v1(/[a-z0-9][a-z0-9-]{0,59}|/\{[A-Za-z][A-Za-z0-9]{0,39}\}){1,14}")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_HOLE = re.compile(r"\{([^{}/]*)\}")
# Arrangements of parameters in paths of one length that the router of the edge keeps for a noun.
MASKS_MAX = 8
# Codes of refusals that an operator names; ours stay ours.
_CODE = r"^[a-z][a-z0-9_]{1,30}\.[a-z][a-z0-9_]{1,40}$"
SCOPES = frozenset(
    {
        *("accounts:read", "accounts:write", "agreements:write", "benefits:write"),
        *("collections:write", "data:score", "identity:read", "instruments:write"),
        *("insurance:write", "investments:write", "loans:write", "mandates:write"),
        *("messages:write", "payments:write", "payouts:write", "reports:read"),
    }
)


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unknown members are refused."""


class Texts(_Strict, frozen=True):
    """One text in both languages."""

    zh: Text
    en: Text


class Settings(_Strict, frozen=True):
    """Address and limits of the upstream."""

    url: Annotated[str, Meta(min_length=8, max_length=500)]
    connect_ms: Annotated[int, Meta(ge=50, le=10_000)] = 1_000
    answer_ms: Annotated[int, Meta(ge=100, le=60_000)] = 5_000
    slow_ms: Annotated[int, Meta(ge=100, le=60_000)] = 3_000
    connections: Annotated[int, Meta(ge=1, le=256)] = 32
    answer_bytes_max: Annotated[int, Meta(ge=1_024, le=16_777_216)] = 1_048_576
    credential_header: HeaderName = ""


class Source(_Strict, frozen=True):
    """Which description it is about."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    file: Annotated[str, Meta(max_length=500)] = ""
    openapi: Annotated[str, Meta(max_length=40)] = ""
    title: Annotated[str, Meta(max_length=200)] = ""
    version: Annotated[str, Meta(max_length=100)] = ""


class Rule(_Strict, frozen=True):
    """One line of a mapping (``kernel.snapshot.MapRule``)."""

    target: Pointer
    source: Annotated[str, Meta(pattern=r"^((/[^/]{1,100}){1,8})?$")] = ""
    unit: Literal["", "minor", "major", "text"] = ""
    currency: Annotated[str, Meta(pattern=r"^([A-Z]{3}|(/[^/]{1,100}){1,8})?$")] = ""
    words: dict[str, str] = {}
    constant: str | int | bool | None = None


class Refusal(_Strict, frozen=True):
    """One line of the error table: an upstream status, maybe with a value, and our code."""

    status: Annotated[int, Meta(ge=400, le=499)]
    code: Annotated[str, Meta(pattern=_CODE)]
    answers: Literal[400, 403, 404, 409, 422]
    title: Annotated[str, Meta(min_length=3, max_length=200)]
    pointer: Annotated[str, Meta(pattern=r"^((/[^/]{1,100}){1,8})?$")] = ""
    equals: Annotated[str, Meta(max_length=100)] = ""


class ConfirmedOperation(_Strict, frozen=True):
    """What a person says of one operation."""

    upstream: Text
    path: str
    word: str
    keep: bool
    confirmed: bool
    holes: dict[str, str] = {}
    summary: Annotated[str, Meta(max_length=300)] = ""
    deprecated: bool = False
    risk_tier: Literal["R1", "R2", "R3", "R4"] = "R4"
    data_class: Literal["C1", "C2", "C3"] = "C3"
    scopes: list[str] = []
    moves_money: bool = True
    key_header: HeaderName = ""
    headers: dict[str, HeaderValue] = {}
    map_request: list[Rule] = []
    map_answer: list[Rule] = []
    refusals: list[Refusal] = []
    because: list[str] = []

    @property
    def method(self) -> str:
        """The method, ours and the upstream's."""
        return self.upstream.partition(" ")[0]


class Confirmed(_Strict, frozen=True):
    """A review whose form is right; whether it fits its description is ``fitting``'s to say."""

    format: Literal[1]
    product: str
    name: Texts
    description: Texts
    source: Source
    upstream: Settings
    operations: list[ConfirmedOperation]
    scenes: list[str] = []
    industries: list[str] = []
    access: Literal["signature", "customer"] = "signature"
    risk_tier: Literal["R1", "R2", "R3", "R4"] = "R4"
    data_class: Literal["C1", "C2", "C3"] = "C3"
    scopes: list[str] = []


def review_text(review: Review) -> str:
    """The review as the YAML file a person edits."""
    head = (
        "# What is proposed for an imported description. Nothing of it is published before\n"
        "# somebody has read it: change what is wrong, leave out operations (keep: false), say\n"
        "# confirmed: true of the others, then `bankside import review FILE --by YOU`. `because`\n"
        "# says what each proposal was made from; docs/operator/import.md explains every line.\n"
    )
    return head + yaml.safe_dump(review, allow_unicode=True, sort_keys=False, width=100)


def read_review(raw: bytes) -> Confirmed:
    """The review in a YAML or JSON file; raises ReviewInvalid naming the place."""
    try:
        return confirmed(read_source(raw).root)
    except DescriptionRefused as error:
        raise ReviewInvalid(f"the review cannot be read: {error.detail}") from error


def confirmed(data: Any) -> Confirmed:
    """The review in plain data; raises ReviewInvalid."""
    try:
        found = msgspec.convert(data, Confirmed)
    except msgspec.ValidationError as error:
        raise ReviewInvalid(str(error)) from error
    faults = list(_faults(found))
    if faults:
        raise ReviewInvalid("; ".join(faults[:5]))
    return found


def fitting(review: Confirmed, described: Described) -> None:
    """Raise ReviewInvalid when the review is not about this description, operation by operation."""
    if review.source.sha256 != described.sha256:
        raise ReviewInvalid("the review is about another description (source.sha256)")
    known = {f"{each.method} {each.path}": each for each in described.operations}
    said = Counter(each.upstream for each in review.operations)
    for name, count in said.items():
        if name not in known:
            raise ReviewInvalid(f"{name}: the description has no such operation")
        if count > 1:
            raise ReviewInvalid(f"{name}: stands twice")
    missing = known.keys() - said.keys()
    if missing:
        raise ReviewInvalid(f"{min(missing)}: the review does not say what becomes of it")
    for each in review.operations:
        holes = set(_HOLE.findall(known[each.upstream].path))
        ours = set(_HOLE.findall(each.path))
        if set(each.holes) != holes or set(each.holes.values()) != ours:
            raise ReviewInvalid(f"{each.upstream}: path and holes name other parameters")


def _faults(review: Confirmed) -> Iterator[str]:
    category, _, set_ = review.product.partition(".")
    if not _CATEGORY.fullmatch(category) or not SET_NAME.fullmatch(set_):
        yield f"product: {review.product!r} is no category.set in small letters and dashes"
    if review.upstream.slow_ms > review.upstream.answer_ms:
        yield "upstream: slow_ms is at most answer_ms"
    kept = [each for each in review.operations if each.keep]
    routes = Counter((each.method, shape(each.path)) for each in kept)
    for method, path in (route for route, count in routes.items() if count > 1):
        yield f"operations: {method} {path} stands twice"
    for word, count in Counter(each.word for each in kept).items():
        if count > 1:
            yield f"operations: the word {word} stands twice"
    masks = Counter(len(mask) for mask in {_mask(each.path) for each in kept if "{" in each.path})
    if any(count > MASKS_MAX for count in masks.values()):
        yield f"operations: more than {MASKS_MAX} shapes of paths with equally many parts"
    for each in kept:
        yield from _faults_of(each, f"/v1/{set_}", review)
    if unknown := set(review.scopes) - SCOPES:
        yield f"scopes: {min(unknown)} is none of the shelf's"
    if review.format != FORMAT:
        yield f"format: only {FORMAT} is read"


def _mask(path: str) -> tuple[bool, ...]:
    return tuple(part.startswith("{") for part in path.split("/"))


def _faults_of(each: ConfirmedOperation, root: str, review: Confirmed) -> Iterator[str]:
    where = each.upstream
    inside = each.path == root or each.path.startswith(f"{root}/")
    if not inside or not _PATH.fullmatch(each.path):
        yield f"{where}: path is {root}/... in small letters, digits, dashes and {{parameters}}"
    if not _WORD.fullmatch(each.word):
        yield f"{where}: word is made of small letters, digits and dashes"
    if set(each.scopes) - set(review.scopes):
        yield f"{where}: its scopes are not among the product's"
    if each.risk_tier > review.risk_tier or each.data_class > review.data_class:
        yield f"{where}: its risk tier or data class is above the product's"
    if each.method == "GET" and (each.moves_money or each.key_header):
        yield f"{where}: what only reads moves no money and has no key"
    for rule in (*each.map_request, *each.map_answer):
        if rule.unit and not (rule.source and rule.currency):
            yield f"{where}: an amount has a source and a currency"
        if not rule.source and rule.constant is None:
            yield f"{where}: a rule has a source or a constant"
