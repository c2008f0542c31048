"""Refusals of the HTTP server itself; no wire is known yet, so they are always problem+json.

Source of the statuses: RFC 9110 section 15, RFC 6585 (431).
"""

from bankside.kernel.errors import BanksideError, Invalid, NotBuilt, NotFound, Unavailable


class Malformed(Invalid):
    """The request is not well-formed HTTP/1.1."""

    code = "http.malformed"
    status = 400


class HostInvalid(Invalid):
    """The Host field is missing, repeated or not a host."""

    code = "http.host_invalid"
    status = 400


class HeaderRepeated(Invalid):
    """A header that decides something was sent more than once."""

    code = "http.header_repeated"
    status = 400


class BodyUnexpected(Invalid):
    """This operation takes no body."""

    code = "http.body_unexpected"
    status = 400


class TransferEncodingRefused(Invalid):
    """HTTP/1.0 knows no Transfer-Encoding."""

    code = "http.transfer_encoding_refused"
    status = 400


class RequestTimeout(Invalid):
    """The request did not arrive in time."""

    code = "http.request_timeout"
    status = 408


class BodyTooLarge(Invalid):
    """The body is larger than this operation takes."""

    code = "http.body_too_large"
    status = 413


class TargetTooLong(Invalid):
    """The request target is too long."""

    code = "http.target_too_long"
    status = 414


class ExpectationUnknown(Invalid):
    """The only expectation known here is 100-continue."""

    code = "http.expectation_unknown"
    status = 417


class HeaderTooLarge(Invalid):
    """The header block is too large or has too many fields."""

    code = "http.header_too_large"
    status = 431


class PathUnknown(NotFound):
    """Nothing is served at this path."""

    code = "http.path_unknown"


class UpgradeRefused(NotBuilt):
    """No other protocol is spoken on this connection."""

    code = "http.upgrade_refused"


class MethodUnknown(NotBuilt):
    """This method is not known here."""

    code = "http.method_unknown"


class TransferEncodingUnknown(NotBuilt):
    """The only transfer coding known here is chunked."""

    code = "http.transfer_encoding_unknown"


class VersionUnknown(BanksideError):
    """Only HTTP/1.1 and HTTP/1.0 are spoken here."""

    code = "http.version_unknown"
    status = 505


class Busy(Unavailable):
    """Too many bodies are being received at once; send it again in a moment."""

    code = "http.busy"


class AnswerLate(Unavailable):
    """The call did not answer in time; its outcome is unknown, repeat it with the same key."""

    code = "http.answer_late"
    status = 504


class Stopping(Unavailable):
    """This process is stopping and takes no new work."""

    code = "http.stopping"
