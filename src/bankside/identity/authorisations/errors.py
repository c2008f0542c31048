"""Refusals of the authorisations slice, for the bank's own pages."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class LinkUnusable(Invalid):
    """The link of this sign-in is unknown, used or too old; go back and start again."""

    code = "authorisation.link_unusable"
    status = 400


class InteractionUnknown(NotFound):
    """This sign-in is unknown here, ran out of time, or belongs to another browser."""

    code = "authorisation.interaction_unknown"


class InteractionFinished(Refused):
    """This sign-in was answered already."""

    code = "authorisation.interaction_finished"


class ApprovalTooLarge(Refused):
    """More was approved than the client asked for."""

    code = "authorisation.approval_too_large"
