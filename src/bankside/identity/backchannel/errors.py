"""Refusals of the backchannel slice, for the customer's own pages."""

from bankside.kernel.errors import NotFound, Refused


class ApprovalUnknown(NotFound):
    """There is no such request waiting for this customer, or it ran out of time."""

    code = "approval.not_found"


class ApprovalFinished(Refused):
    """This request was answered already."""

    code = "approval.finished"
