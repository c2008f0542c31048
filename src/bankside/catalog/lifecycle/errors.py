"""Refusals of the life cycle."""

from collections.abc import Sequence

from bankside.catalog.lifecycle.gate import Gate
from bankside.kernel.errors import Forbidden, Invalid, NotFound, Refused


class VersionUnknown(NotFound):
    """The product has no such version."""

    code = "product.version_not_found"


class DraftInvalid(Invalid):
    """This is no definition of a product version."""

    code = "product.draft_invalid"


class DraftFrozen(Refused):
    """The newest version is in review; it goes back to draft first, or on."""

    code = "product.draft_frozen"


class MoveRefused(Refused):
    """The table of states has no such move."""

    code = "product.move_refused"


class GateClosed(Refused):
    """A condition of this move is not met."""

    code = "product.gate_closed"

    def __init__(self, detail: str = "", *, unmet: Sequence[Gate] = ()) -> None:
        """``unmet``: the conditions that are not met."""
        super().__init__(detail)
        self.unmet = tuple(unmet)


class TermsInvalid(Invalid):
    """The terms of the move are not ones that people could agree to."""

    code = "product.terms_invalid"


class TermsDiffer(Refused):
    """Somebody else already agreed to this move on other terms."""

    code = "product.terms_differ"


class RightMissing(Forbidden):
    """The person has no right to take part in this move."""

    code = "product.right_missing"


class FourEyes(Refused):
    """Another person has to agree."""

    code = "product.four_eyes"


class WaiverInvalid(Refused):
    """The waiver is not signed by a key of the partner, or says something else."""

    code = "product.waiver_invalid"


class NotOffered(Refused):
    """No sandbox app meets this version, so nothing can be proven of it."""

    code = "product.not_offered"


class ProofNotYet(Refused):
    """The proof that nobody reaches it any more cannot be given yet."""

    code = "product.proof_not_yet"
