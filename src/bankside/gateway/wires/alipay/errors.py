"""What the Alipay-style dialects refuse before any business: each becomes a public sub code."""

from bankside.kernel.errors import Invalid, NotFound


class MethodMissing(Invalid):
    """The method is missing."""

    code = "alipay.method_missing"
    status = 400


class MethodUnknown(NotFound):
    """There is no such method here."""

    code = "alipay.method_unknown"


class AppIdMissing(Invalid):
    """The app_id is missing."""

    code = "alipay.app_id_missing"
    status = 400


class TimestampMissing(Invalid):
    """The timestamp is missing."""

    code = "alipay.timestamp_missing"
    status = 400


class SignTypeMissing(Invalid):
    """The sign_type is missing."""

    code = "alipay.sign_type_missing"
    status = 400


class ParameterInvalid(Invalid):
    """A common parameter is not what the dialect allows."""

    code = "alipay.parameter_invalid"
    status = 400


class SignTypeInvalid(Invalid):
    """The sign_type is RSA2, or RSA for apps registered with it."""

    code = "alipay.sign_type_invalid"
    status = 400


class TimestampInvalid(Invalid):
    """The timestamp is yyyy-MM-dd HH:mm:ss in GMT+8 (v3: milliseconds since 1970)."""

    code = "alipay.timestamp_invalid"
    status = 400


class EncryptionUnsupported(Invalid):
    """The only content encryption is AES."""

    code = "alipay.encrypt_type_invalid"
    status = 400


class FilesUnsupported(Invalid):
    """This method takes no files."""

    code = "alipay.files_unsupported"
    status = 400
