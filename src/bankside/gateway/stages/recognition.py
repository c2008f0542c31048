"""Stage 1: which dialect the request speaks, which operation it names, whether it is too big."""

from collections.abc import Sequence

from bankside.gateway.errors import BodyTooLarge
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.ports import Wire
from bankside.gateway.serving import Serving
from bankside.gateway.stages import Stage


def recognise(wires: Sequence[Wire]) -> Stage:
    """Let the first wire that claims the request read it; the last one claims everything."""

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        for wire in wires:
            if wire.claims(x):
                break
        x.wire = wire
        refusal = wire.read(x, s)
        if x.replay_key is not None:
            # The nonce of one wire is no nonce of another.
            x.replay_key = f"{wire.name}:{x.replay_key}"
        return refusal

    return stage


def size(x: Exchange, s: Serving) -> Refusal | None:
    """The body fits the operation (the server already refused what no operation takes)."""
    assert x.operation is not None, "the wire read no operation and refused nothing"
    if len(x.body) > x.operation.body_max:
        return Refusal.of(BodyTooLarge(f"at most {x.operation.body_max} bytes"))
    return None
