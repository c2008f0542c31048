"""Refusals of the branches slice."""

from bankside.kernel.errors import NotFound


class BranchNotFound(NotFound):
    """There is no such branch in this data space."""

    code = "branch.not_found"
