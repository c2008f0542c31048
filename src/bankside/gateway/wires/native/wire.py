"""The native wire: REST paths, JSON bodies, RFC 9421 signatures both ways.

Always true: the algorithm comes from the registered key; a message that names another is refused,
and so is one with an unknown key id, at the same rate as if the key existed. The last wire asked:
whatever no other dialect claims is answered here.
Source: RFC 9421, RFC 9530, RFC 9457; draft-ietf-httpapi-idempotency-key-header.
"""

from bankside.gateway.errors import (
    AlgorithmMismatch,
    SignatureStale,
)
from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.serving import Serving
from bankside.gateway.wires.addresses import asked
from bankside.gateway.wires.native import answers, content
from bankside.gateway.wires.native.signed import Said, SignedReader
from bankside.gateway.wires.routing import routed
from bankside.kernel.egress import Egress
from bankside.kernel.errors import BanksideError
from bankside.kernel.snapshot import Key


class NativeWire:
    """The dialect of ``/v1/...``; see the module."""

    name = "native"
    # FAPI 2.0 allows no more between two honest clocks.
    window_behind = 60
    window_ahead = 60

    def __init__(self, origin: str = "", *, egress: Egress | None = None) -> None:
        """``origin``: ``https://host`` as partners see it, for ``@target-uri``; ``egress`` says
        which addresses a request may name for callbacks.
        """
        self._reader = SignedReader(origin)
        self._egress = egress or Egress()

    def claims(self, x: Exchange) -> bool:
        return True

    def read(self, x: Exchange, s: Serving) -> Refusal | None:
        refused = routed(x, s)
        if refused is not None:
            return refused
        try:
            signed = self._reader.read(x)
        except BanksideError as error:
            return Refusal.of(error)
        x.wire_state = signed
        x.timestamp = signed.created
        x.replay_key = signed.nonce
        x.key_id = signed.key_id
        x.tenant_token = x.headers.get("x-app-auth-token")
        x.consent = x.headers.get("x-consent-id")
        if signed.expires is not None and signed.expires <= x.now:
            return Refusal.of(SignatureStale("the signature is past its own expires"))
        return self._find_key(x, s, signed)

    def verify(self, x: Exchange, key: Key) -> bool:
        signed: Said = x.wire_state
        assert x.serving is not None
        return x.serving.verifier(key)(signed.base, signed.signature)

    def decode(self, x: Exchange, s: Serving) -> Refusal | None:
        try:
            x.body_json = content.json_body(x)
            if x.query:
                x.query_params = content.query_parameters(x.query)
            if "idempotency-key" in x.headers:
                x.idempotency_key = content.idempotency_key(x.headers["idempotency-key"])
            if "notify-url" in x.headers:
                x.callback = asked(self._egress, self.name, x.headers["notify-url"])
        except BanksideError as error:
            return Refusal.of(error)
        return None

    def reply(self, x: Exchange, s: Serving) -> Reply:
        return answers.write(x, s)

    def _find_key(self, x: Exchange, s: Serving, signed: Said) -> Refusal | None:
        owner = s.key_owners.get(signed.key_id)
        if owner is None:
            registered = s.decoy_algorithm(signed.key_id)
        else:
            x.app_id = owner[0].id
            registered = owner[1].alg
        if signed.alg != registered:
            return Refusal.of(AlgorithmMismatch())
        return None
