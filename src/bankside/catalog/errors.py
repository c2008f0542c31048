"""Refusals of the catalogue."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class SubjectUnknown(NotFound):
    """The catalogue has no operation, primitive, product, solution or cloud of this name."""

    code = "catalogue.subject_not_found"


class ProductUnknown(NotFound):
    """The catalogue has no such product."""

    code = "product.not_found"


class SolutionBroken(Invalid):
    """The assembly cannot run; each broken link is named."""

    code = "solution.broken"


class SolutionTaken(Refused):
    """A solution of the catalogue has this id."""

    code = "solution.id_taken"


class SolutionUnknown(NotFound):
    """Nobody installed such a solution."""

    code = "solution.not_installed"


class ProductClosed(Refused):
    """The product is on its way out or gone: who holds it keeps it, nobody new gets it."""

    code = "product.no_new_contracts"
