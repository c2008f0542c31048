"""The token wire: native paths, called with ``Authorization: DPoP <token>`` and a DPoP proof.

Always true: the token comes in the Authorization header and nowhere else; the proof speaks of our
configured public address, whatever Host or X-Forwarded say. The scheme Bearer is for tokens bound
to a certificate, which a trusted proxy in front has seen; without one it is refused.
Source: RFC 9449 section 7, RFC 8705 section 3, RFC 6750 section 3, FAPI 2.0 Security Profile
section 5.3.4; UK Open Banking Read/Write 3.1 for ``x-idempotency-key`` and
``x-fapi-interaction-id``.
"""

from dataclasses import dataclass
from hashlib import sha256

from bankside.gateway.errors import (
    ProofInvalid,
    SignatureNeeded,
    TokenInvalid,
    TokenMisplaced,
    TokenMissing,
)
from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.http.proxies import FORWARDING
from bankside.gateway.ports import TokenResolver
from bankside.gateway.serving import Serving
from bankside.gateway.wires.native import content
from bankside.gateway.wires.routing import routed
from bankside.gateway.wires.token import answers
from bankside.kernel.certificates import (
    CertificateMalformed,
    certificate_of_header,
    certificate_thumbprint,
)
from bankside.kernel.errors import BanksideError
from bankside.kernel.signing.dpop import (
    AGE_SECONDS_MAX,
    AHEAD_SECONDS_MAX,
    Place,
    Proof,
    ProofBroken,
    Said,
    place_of,
    read,
)
from bankside.kernel.signing.jws import Keyring
from bankside.kernel.snapshot import Key

# How a stranger's failures are counted before its client is known.
_NOBODY = "token"
_QUERY_NAME = "access_token"


@dataclass(slots=True)
class Presented:
    """What a request brings: its token, its SHA-256, and the proof taken apart.

    ``said`` None: the connection proved the certificate with thumbprint ``x5t`` instead.
    ``proof`` is set when it verified, ``asked`` when the token was looked up for this call.
    """

    token: str
    digest: bytes
    said: Said | None
    x5t: str = ""
    proof: Proof | None = None
    asked: bool = False


class TokenWire:
    """The dialect of calls by access token; see the module."""

    name = "token"
    window_behind = AGE_SECONDS_MAX
    window_ahead = AHEAD_SECONDS_MAX

    def __init__(self, origin: str, tokens: TokenResolver, *, certificate_header: str = "") -> None:
        """``origin``: the edge's public address, scheme and host, as clients call it.

        ``certificate_header``: where trusted proxies hand on a client's certificate; "": nowhere.
        """
        if certificate_header and certificate_header not in FORWARDING:
            # From anybody else the server takes these away; of another name it would know nothing.
            raise ValueError(f"a certificate comes in one of {', '.join(sorted(FORWARDING))}")
        self._certificate_header = certificate_header
        scheme, host, port, _ = place_of(origin)
        self._origin = (scheme, host, port)
        self._tokens = tokens
        self._keys = Keyring()

    def claims(self, x: Exchange) -> bool:
        scheme = x.headers.get("authorization")
        if scheme is not None:
            return scheme.partition(" ")[0].lower() in {"dpop", "bearer"}
        if "dpop" in x.headers:
            return True
        return x.serving is not None and x.path.startswith(x.serving.token_roots)

    def read(self, x: Exchange, s: Serving) -> Refusal | None:
        x.app_id = _NOBODY
        refused = routed(x, s)
        if refused is not None:
            return refused
        assert x.operation is not None
        try:
            scheme, token = _token(x)
            if x.operation.access == "signature":
                raise SignatureNeeded
            x5t = self._certificate(x) if scheme == "bearer" else ""
            said = None if x5t else self._said(x)
        except BanksideError as error:
            return Refusal.of(error)
        digest = sha256(token.encode()).digest()
        x.wire_state = Presented(token, digest, said, x5t)
        known = self._tokens.known(digest, x.now)
        if known is not None:
            x.app_id = known.client
        return None

    def proven(self, x: Exchange) -> Proof:
        """The proof of ``x``, made for this call by the key it names. Raises ProofBroken."""
        presented: Presented = x.wire_state
        assert presented.said is not None
        place: Place = (*self._origin, x.path)
        return presented.said.checked(x.method, place, at=x.now, token=presented.token)

    def verify(self, x: Exchange, key: Key) -> bool:
        """No key of an app verifies here: `stages.access` proves the token instead."""
        return False

    def decode(self, x: Exchange, s: Serving) -> Refusal | None:
        try:
            x.body_json = content.json_body(x)
            x.query_params = content.query_parameters(x.query)
            name = "x-idempotency-key" if answers.is_uk(x) else "idempotency-key"
            x.idempotency_key = content.idempotency_key(x.headers.get(name))
        except BanksideError as error:
            return Refusal.of(error)
        return None

    def reply(self, x: Exchange, s: Serving) -> Reply:
        return answers.write(x, s)

    def _certificate(self, x: Exchange) -> str:
        """The thumbprint of the connection's certificate. Raises TokenInvalid without one."""
        given = x.headers.get(self._certificate_header) if self._certificate_header else None
        if given is None:
            raise TokenInvalid(
                "this token's scheme is DPoP; Bearer is for tokens bound to a certificate"
            )
        try:
            found = certificate_thumbprint(certificate_of_header(given))
        except CertificateMalformed as error:
            raise TokenInvalid("the connection's certificate cannot be read") from error
        x.timestamp = x.now
        return found

    def _said(self, x: Exchange) -> Said:
        """The proof, taken apart, its time and id in their places. Raises ProofInvalid."""
        text = x.headers.get("dpop")
        if text is None:
            raise ProofInvalid("a call by token carries one DPoP header")
        try:
            said = read(text, self._keys)
            x.timestamp = said.issued_at
            # One key of one client may choose its ids as it likes: another key's are no repeats.
            x.replay_key = f"{said.key.thumbprint} {said.jti}"
        except ProofBroken as error:
            raise ProofInvalid(f"DPoP: {error}") from error
        return said


def _token(x: Exchange) -> tuple[str, str]:
    """Scheme and token of the Authorization header.

    Raises TokenMissing, TokenInvalid, TokenMisplaced.
    """
    if _QUERY_NAME in x.query and any(
        pair.partition("=")[0] == _QUERY_NAME for pair in x.query.split("&")
    ):
        raise TokenMisplaced
    scheme, _, token = x.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise TokenMissing
    token = token.strip(" ")
    if not token or not token.isascii() or " " in token:
        raise TokenInvalid("the header is: Authorization: DPoP <token>")
    return scheme.lower(), token
