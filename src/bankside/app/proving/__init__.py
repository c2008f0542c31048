"""Proving a product version: the checks that the gate of the sandbox asks for, really run.

Always true: a proof calls a running edge as any partner would, in a data space of its own; what it
found is kept as evidence of the very content it ran on, whether it is good news or not.

Public: prove, Asking, Proof.
"""

from bankside.app.proving.service import Asking, Proof, prove

__all__ = ["Asking", "Proof", "prove"]
