"""Assertions: how a client proves itself (private_key_jwt) and its key (DPoP).

Always true: algorithms come from a closed list, keys of clients from their record; each assertion
and each proof is accepted once, over all processes; a refused message burns nothing of another's.

Public: prove_client, claim_assertion, ClientAssertion; checked_proof, claim_proof, Proof, Target;
fresh_nonce, check_nonce, SERVER, RESOURCE; for resources that move money proof_used, USED_ONCE,
ProofUsed; for other signed messages claims, ClaimInvalid.
"""

from bankside.identity.assertions import claims
from bankside.identity.assertions.claims import ClaimInvalid
from bankside.identity.assertions.client_assertion import prove_client
from bankside.identity.assertions.errors import ProofUsed
from bankside.identity.assertions.model import ClientAssertion, Proof, Target
from bankside.identity.assertions.nonces import RESOURCE, SERVER, check_nonce, fresh_nonce
from bankside.identity.assertions.proof import checked_proof
from bankside.identity.assertions.service import claim_assertion, claim_proof, proof_used
from bankside.identity.assertions.store import USED_ONCE

__all__ = [
    "RESOURCE",
    "SERVER",
    "USED_ONCE",
    "ClaimInvalid",
    "ClientAssertion",
    "Proof",
    "ProofUsed",
    "Target",
    "check_nonce",
    "checked_proof",
    "claim_assertion",
    "claim_proof",
    "claims",
    "fresh_nonce",
    "proof_used",
    "prove_client",
]
