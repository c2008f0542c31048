"""Refusals of the partners slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class PartnerUnknown(NotFound):
    """There is no such partner, or the caller may not see it."""

    code = "partner.not_found"


class PartnerExists(Refused):
    """A partner with this id is already registered."""

    code = "partner.exists"


class TextInvalid(Invalid):
    """A name or reason is empty, too long, or holds control characters."""

    code = "partner.text_invalid"
