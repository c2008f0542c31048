"""What this server signs for a client: authorization answers (JARM) and introspection (RFC 9701).

Source: JWT Secured Authorization Response Mode section 2.1 (``iss``, ``aud``, ``exp`` and the
answer's parameters, nothing outside the JWT); RFC 9701 section 5.
"""

from collections.abc import Mapping
from typing import Any

from bankside.identity import signing_keys
from bankside.identity.signing_keys import Minter
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

# JARM asks for at most 10 minutes; a browser carries the answer at once.
ANSWER_SECONDS = 300
INTROSPECTION_TYPE = "token-introspection+jwt"


async def answer_token(
    db: Connection,
    clock: Clock,
    minter: Minter,
    client_id: str,
    answer: Mapping[str, str | None],
) -> str:
    """An authorization answer as a JWT for the client; parameters without a value stay out."""
    claims = {
        "iss": minter.issuer,
        "aud": client_id,
        "exp": int(clock.now().timestamp()) + ANSWER_SECONDS,
        **{name: value for name, value in answer.items() if value is not None},
    }
    return await signing_keys.sign(db, clock, minter.vault, claims)


async def introspection_token(
    db: Connection, clock: Clock, minter: Minter, client_id: str, described: Mapping[str, Any]
) -> str:
    """An introspection answer as a JWT for the client that asked."""
    claims = {
        "iss": minter.issuer,
        "aud": client_id,
        "iat": int(clock.now().timestamp()),
        "token_introspection": dict(described),
    }
    return await signing_keys.sign(db, clock, minter.vault, claims, typ=INTROSPECTION_TYPE)
