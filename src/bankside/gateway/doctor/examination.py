"""One check: verify as the edge does, then try one mistake after another until one verifies.

Always true: at most ``TRIES_MAX`` verifications a check; ``valid`` means that the edge would accept
the signature now; a confirmed cause was proven by a verification, a suspected one was not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bankside.gateway.doctor.difference import Difference, first_difference, shown
from bankside.gateway.doctor.fixes import FIXES
from bankside.gateway.doctor.keys import Keys, KnownKey, hmac_under
from bankside.gateway.doctor.raw import RawRequest
from bankside.gateway.doctor.reading import Finding, Reading, Variation
from bankside.gateway.doctor.readings import read
from bankside.gateway.doctor.secrets import as_text

# About 3 ms of RSA verifications; a check must not become a way to keep us busy.
TRIES_MAX = 64
_RSA_BYTES_MIN = 256
_SAME_BYTES = {"rsa-v1_5-sha256": "rsa-sha256"}


@dataclass(frozen=True, slots=True)
class Examined:
    """The report. Strings are masked; causes stand with the confirmed ones first."""

    valid: bool
    wire: str
    key: str | None
    expected_string: str | None
    received_string: str | None
    first_difference: Difference | None
    causes: Sequence[Finding] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        """The report as the command line and the console show it."""
        return {
            "valid": self.valid,
            "wire": self.wire,
            "key": self.key,
            "expected_string": self.expected_string,
            "received_string": self.received_string,
            "first_difference": asdict(self.first_difference) if self.first_difference else None,
            "causes": [_cause(each) for each in self.causes],
        }


def examine(
    wire: str,
    request: RawRequest,
    keys: Keys,
    *,
    now: float,
    theirs: str | None = None,
    origin: str = "",
) -> Examined:
    """Examine one request. ``theirs``: the string the partner says it signed; ``now``: epoch s."""
    reading = read(wire, request, keys, now=now, origin=origin)
    tries = _Tries(keys)
    proof = _proof(reading, tries, theirs)
    # A mistake that explains the signature comes before what it entails.
    findings = [*proof.findings, *reading.findings, *_about_key(proof.key, reading, keys, now)]
    received = theirs.encode() if theirs is not None else proof.received
    expected = reading.expected
    ordered = sorted(findings, key=lambda each: not each.confirmed)
    return Examined(
        valid=proof.key is not None and not any(each.blocking for each in findings),
        wire=wire,
        key=proof.key.id if proof.key is not None else None,
        expected_string=shown(expected) if expected is not None else None,
        received_string=shown(received) if received is not None else None,
        first_difference=first_difference(expected, received)
        if expected is not None and received is not None
        else None,
        causes=tuple(ordered),
    )


@dataclass(slots=True)
class _Proof:
    """``key``: verified as the edge does. ``received``: the string that was signed, if found."""

    key: KnownKey | None = None
    received: bytes | None = None
    findings: list[Finding] = field(default_factory=list)


class _Tries:
    """Verifications, counted; those that cannot succeed are not made."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self._left = TRIES_MAX

    def verifies(self, key: KnownKey, variation: Variation) -> bool:
        """Whether the signature verifies this way; False when no try is left."""
        message, signature = variation.message, variation.signature
        if message is None or signature is None or not _fits(key, signature):
            return False
        if variation.secret is not None and key.alg != "hmac-sha256":
            return False
        verify = key.verifier(variation.alg or "")
        if verify is None or self._left == 0:
            return False
        self._left -= 1
        if variation.secret is not None:
            return hmac_under(as_text(key.material, variation.secret), message, signature)
        return verify(message, signature)

    def own(self, key_id: str | None) -> list[KnownKey]:
        """The key the message names when it is the app's; else all of the app's keys."""
        named = [each for each in self.keys.own if each.id == key_id]
        return named or list(self.keys.own)


def _fits(key: KnownKey, signature: bytes) -> bool:
    """Whether a signature of this length can be of this kind of key at all."""
    if key.alg.startswith("rsa"):
        return len(signature) >= _RSA_BYTES_MIN
    return len(signature) == (32 if key.alg == "hmac-sha256" else 64)


def _proof(reading: Reading, tries: _Tries, theirs: str | None) -> _Proof:
    if reading.expected is None or reading.signature is None:
        return _Proof()
    plain = Variation("", "", reading.expected, reading.signature)
    own = [each for each in tries.keys.own if reading.key_id in {None, each.id}]
    for key in own:
        if tries.verifies(key, plain):
            return _Proof(key, reading.expected)
    for way in reading.accepted:
        for key in own:
            if tries.verifies(key, _filled(way, plain)):
                note = Finding(way.code, True, way.evidence, blocking=False)
                return _Proof(key, way.message, [note])
    return _mistake(reading, plain, tries, theirs)


def _mistake(reading: Reading, plain: Variation, tries: _Tries, theirs: str | None) -> _Proof:
    """The signature does not verify: which mistake makes it verify?"""
    wrong_key = _wrong_key(plain, tries, reading.key_id)
    if wrong_key is not None:
        return _Proof(None, reading.expected, [wrong_key])
    seen: set[tuple[object, ...]] = set()
    for variation in reading.variations:
        tried = _filled(variation, plain)
        same = (tried.message, tried.signature, tried.alg, tried.secret)
        if same in seen:
            continue
        seen.add(same)
        for key in tries.own(reading.key_id):
            if tries.verifies(key, tried):
                found = Finding(variation.code, True, f"it verifies with {variation.evidence}")
                return _Proof(None, tried.message, [found])
    if theirs is not None:
        found_by_string = _their_string(reading, plain, tries, theirs.encode())
        if found_by_string is not None:
            return found_by_string
    return _Proof(None, None, [_suspected(reading, tries)])


def _wrong_key(plain: Variation, tries: _Tries, key_id: str | None) -> Finding | None:
    keys = tries.keys
    for ours in keys.platform:
        for own in keys.own:
            if own.material == ours.material:
                text = f"the key registered as yours ({own.id}) is the platform's own {ours.id}"
                return Finding("key.swapped", True, text)
        if tries.verifies(ours, plain):
            return Finding("key.swapped", True, f"it verifies under the platform's key {ours.id}")
    home = keys.own[0].environment if keys.own else None
    others = [each for each in keys.own if each.id != key_id] if key_id is not None else []
    for other in (*others, *keys.siblings):
        if tries.verifies(other, plain):
            code = "key.other_app" if home in {None, other.environment} else "key.sandbox"
            text = f"it verifies under key {other.id} of app {other.app} ({other.environment})"
            return Finding(code, True, text)
    return None


def _their_string(
    reading: Reading, plain: Variation, tries: _Tries, theirs: bytes
) -> _Proof | None:
    """What the partner's own string tells: a known mistake, or at least where it differs."""
    for variation in reading.variations:
        if variation.message == theirs:
            text = f"your string is ours with {variation.evidence}"
            return _Proof(None, theirs, [Finding(variation.code, True, text)])
    for key in tries.own(reading.key_id):
        if tries.verifies(key, Variation("", "", theirs, plain.signature)):
            text = "your string was signed with the right key, but differs from ours where shown"
            return _Proof(None, theirs, [Finding("request.refused", True, text)])
    return None


def _suspected(reading: Reading, tries: _Tries) -> Finding:
    """No mistake verified. An RSA signature still tells whether the key is right."""
    for key in tries.own(reading.key_id):
        if _made_by(key, reading.signature or b""):
            text = f"it was made with the right key ({key.id}), but over another string"
            return Finding("request.refused", True, text)
    known = [f"{key.id} {key.fingerprint()}".strip() for key in tries.keys.own]
    registered = ", ".join(known) or "none"
    text = f"no string we tried verifies under a registered key; registered: {registered}"
    return Finding("key.unregistered", False, text)


def _made_by(key: KnownKey, signature: bytes) -> bool:
    """Whether an RSA PKCS#1 signature was made with this key, whatever it is over."""
    if not key.alg.startswith("rsa"):
        return False
    public = load_der_public_key(key.material)
    assert isinstance(public, rsa.RSAPublicKey)
    try:
        public.recover_data_from_signature(signature, padding.PKCS1v15(), None)
    except (InvalidSignature, ValueError):
        return False
    return True


def _about_key(key: KnownKey | None, reading: Reading, keys: Keys, now: float) -> Iterator[Finding]:
    """What is wrong about the key itself, beside the mathematics."""
    if key is not None and not key.not_before <= now < key.not_after:
        yield Finding("key.expired", True, f"key {key.id} is not valid now")
    named = [each for each in keys.own if reading.key_id in {None, each.id}]
    if reading.key_id is not None and not named:
        text = f"key id {reading.key_id!r} is not registered for this app"
        yield Finding("key.unregistered", True, text)
    if reading.alg is not None and named:
        algorithms = {_SAME_BYTES.get(each.alg, each.alg) for each in named}
        if _SAME_BYTES.get(reading.alg, reading.alg) not in algorithms:
            text = f"the message says {reading.alg}, registered is {', '.join(sorted(algorithms))}"
            yield Finding("alg.named", True, text)


def _filled(variation: Variation, plain: Variation) -> Variation:
    return Variation(
        variation.code,
        variation.evidence,
        variation.message if variation.message is not None else plain.message,
        variation.signature if variation.signature is not None else plain.signature,
        variation.alg,
        variation.secret,
    )


def _cause(finding: Finding) -> Mapping[str, Any]:
    zh, en = FIXES[finding.code]
    return {
        "code": finding.code,
        "confirmed": finding.confirmed,
        "evidence": finding.evidence,
        "fix": {"zh": zh, "en": en},
    }
