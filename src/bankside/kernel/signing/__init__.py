"""Signature algorithms behind one pair of names: build one per key, keep it.

Public: ALGORITHMS, Verifier, Signer, verifier, signer, generate, public_der.
"""

from bankside.kernel.signing.algorithms import (
    ALGORITHMS,
    Signer,
    Verifier,
    generate,
    public_der,
    signer,
    verifier,
)

__all__ = ["ALGORITHMS", "Signer", "Verifier", "generate", "public_der", "signer", "verifier"]
