"""The signature fields of one native request: read, held to the rules, turned into the base.

Always true: the base ends with the parameter text as it stands in the header's bytes; nothing is
serialised again. Whatever is not exactly of the usual shape goes through the strict parser.
Source: RFC 9421 sections 2-3, RFC 9530; the platform's rules on required components.
"""

import re
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from bankside.gateway.errors import (
    ComponentMissing,
    DigestMismatch,
    SignatureMalformed,
    SignatureMissing,
)
from bankside.gateway.exchange import Exchange
from bankside.kernel.signing.rfc9421 import (
    BODY_METHODS,
    GUARDED_HEADERS,
    LABEL,
    BaseUnbuildable,
    HTTPRequest,
    Lines,
    compiled,
    digest_matches,
    request_base,
    text64,
)
from bankside.kernel.signing.structured import (
    Bare,
    Component,
    FieldMalformed,
    byte_members,
    signature_inputs,
)

NONCE_MIN, NONCE_MAX = 16, 64
KEY_ID_MAX = 128
# Clients sign the same list of components again and again: its compiled form is kept by its text.
# Strangers can fill this with junk, which costs them their request and us one parse each.
PLANS_MAX = 1_024
_SIGNATURE_START = f"{LABEL}=:"
# The one label, plain component names and parameters in the order of the examples: what nearly all
# clients send. Everything else, well-formed or not, is left to the strict parser, 20 times slower.
_TEXT = r"[ !#-\[\]-~]"
_USUAL = re.compile(
    rf'{LABEL}=(\(["@a-z0-9 -]*\));created=([0-9]{{1,15}})'
    rf';nonce="({_TEXT}{{{NONCE_MIN},{NONCE_MAX}}})"'
    rf';keyid="({_TEXT}{{1,{KEY_ID_MAX}}})";alg="({_TEXT}{{1,{KEY_ID_MAX}}})"'
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A list of covered components, compiled. ``uncovered``: guarded headers it leaves out."""

    lines: Lines
    target: bool
    digest: bool
    uncovered: frozenset[str]


class Said(msgspec.Struct):
    """What a request's ``sig1`` says, and the bytes it is over. Not frozen: filled in two steps."""

    created: int
    expires: int | None
    nonce: str
    key_id: str
    alg: str
    signature: bytes = b""
    base: bytes = b""


class Readable(HTTPRequest, Protocol):
    """A request with its body; the edge's Exchange is one."""

    body: bytes


class SignedReader:
    """Reads signature fields; keeps the compiled form of component lists it has seen."""

    def __init__(self, origin: str = "") -> None:
        """``origin``: ``https://host`` as partners see it; "" takes http and the Host header."""
        self._origin = origin
        self._plans: dict[str, Plan] = {}

    def read(self, x: Readable) -> Said:
        """The signature fields of ``x``, held to every rule that needs no key.

        Raises SignatureMissing, SignatureMalformed, ComponentMissing, DigestMismatch.
        """
        headers = x.headers
        field = headers.get("signature-input")
        given = headers.get("signature")
        if field is None or given is None:
            raise SignatureMissing("Signature-Input and Signature are both needed")
        usual = _USUAL.fullmatch(field)
        plan = self._plans.get(usual[1]) if usual is not None else None
        try:
            if usual is not None and plan is not None:
                text = field[len(LABEL) + 1 :]
                said = Said(int(usual[2]), None, usual[3], usual[4], usual[5])
            else:
                plan, text, said = self._read_strictly(field)
            said.signature = _signature(given)
        except FieldMalformed as error:
            raise SignatureMalformed(str(error)) from error
        self._require(x, plan)
        try:
            said.base = request_base(x, plan.lines, text, self._origin)
        except BaseUnbuildable as error:
            raise ComponentMissing(str(error)) from error
        except UnicodeEncodeError as error:
            raise SignatureMalformed("the request holds characters beyond latin-1") from error
        return said

    def _read_strictly(self, field: str) -> tuple[Plan, str, Said]:
        """The compiled components, the exact text after ``sig1=`` and what its parameters say."""
        covered = signature_inputs(field).get(LABEL)
        if covered is None:
            raise SignatureMissing(f"no signature is labelled {LABEL}")
        try:
            plan = _plan(covered.components)
        except BaseUnbuildable as error:
            raise SignatureMalformed(str(error)) from error
        if len(self._plans) >= PLANS_MAX:
            self._plans.clear()
        # Found again only by a text without component parameters, so the first bracket is its end.
        self._plans[covered.text[: covered.text.find(")") + 1]] = plan
        given = covered.parameters
        said = Said(
            created=_integer(given, "created"),
            expires=_integer(given, "expires") if "expires" in given else None,
            nonce=_text(given, "nonce", NONCE_MIN, NONCE_MAX),
            key_id=_text(given, "keyid", 1, KEY_ID_MAX),
            alg=_text(given, "alg", 1, KEY_ID_MAX),
        )
        return plan, covered.text, said

    def _require(self, x: Readable, plan: Plan) -> None:
        headers = x.headers
        if not plan.target:
            raise ComponentMissing('"@method" and "@target-uri" (or "@path" and "@query")')
        if not plan.uncovered.isdisjoint(headers):
            name = min(plan.uncovered & headers.keys())
            raise ComponentMissing(f'"{name}" is sent, but not covered')
        if not plan.digest:
            if x.body or x.method in BODY_METHODS:
                raise ComponentMissing('"content-digest"')
            return
        digest = headers.get("content-digest")
        if digest is None:
            raise ComponentMissing('"content-digest" is covered, but not sent')
        try:
            if not digest_matches(digest, x.body):
                raise DigestMismatch
        except FieldMalformed as error:
            raise SignatureMalformed(f"Content-Digest: {error}") from error


def signature_text(x: Exchange) -> str | None:
    """The request's ``sig1`` as an answer binds to it (``:<base64>:``); None when unreadable."""
    signed: Said | None = x.wire_state
    try:
        signature = signed.signature if signed else _signature(x.headers.get("signature", ""))
    except (FieldMalformed, SignatureMissing):
        return None
    return f":{text64(signature)}:"


def _plan(components: tuple[Component, ...]) -> Plan:
    names = {each.name for each in components if not each.parameters}
    return Plan(
        lines=compiled(components),
        target="@method" in names and ("@target-uri" in names or {"@path", "@query"} <= names),
        digest="content-digest" in names,
        uncovered=frozenset(GUARDED_HEADERS) - names,
    )


def _signature(field: str) -> bytes:
    """The bytes of ``sig1``. Raises FieldMalformed, SignatureMissing."""
    if field.startswith(_SIGNATURE_START) and field.find(":", len(_SIGNATURE_START)) == (
        len(field) - 1
    ):
        try:
            return a2b_base64(field[len(_SIGNATURE_START) : -1], strict_mode=True)
        except ValueError as error:
            raise FieldMalformed("Signature: expected base64") from error
    signature = byte_members(field).get(LABEL)
    if signature is None:
        raise SignatureMissing(f"no signature is labelled {LABEL}")
    return signature


def _integer(parameters: Mapping[str, Bare], name: str) -> int:
    value = parameters.get(name)
    if type(value) is not int or value < 0:
        raise SignatureMalformed(f"the parameter {name} is a number of seconds since 1970")
    return value


def _text(parameters: Mapping[str, Bare], name: str, shortest: int, longest: int) -> str:
    value = parameters.get(name)
    if type(value) is not str or not shortest <= len(value) <= longest:
        raise SignatureMalformed(
            f"the parameter {name} is a quoted text of {shortest} to {longest} characters"
        )
    return value
