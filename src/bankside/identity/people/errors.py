"""Refusals of the people slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class PersonInvalid(Invalid):
    """A name has 1 to 60 printable characters; roles are named from the list of the realm."""

    code = "person.invalid"


class PersonKnown(Refused):
    """Somebody has this login already."""

    code = "person.known"


class PersonUnknown(NotFound):
    """There is no such person here."""

    code = "person.unknown"


class PersonSelf(Refused):
    """Nobody blocks or unblocks himself or herself."""

    code = "person.self"


class EnrolmentUnknown(NotFound):
    """The link was used, has expired, or was replaced by a newer one."""

    code = "enrolment.unknown"


class EnrolmentCodeWrong(Refused):
    """The code does not come from the secret of this page, or is too old."""

    code = "enrolment.code_wrong"
