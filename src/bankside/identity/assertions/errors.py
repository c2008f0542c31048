"""Refusals of the assertions slice beyond the words of the RFCs."""

from bankside.kernel.errors import Unauthenticated


class ProofUsed(Unauthenticated):
    """The DPoP proof of this call has moved money before; make a new one for every call."""

    code = "token.proof_used"
