"""Refusals of the clients slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class ClientUnknown(NotFound):
    """There is no such client."""

    code = "client.not_found"


class ClientExists(Refused):
    """The app is registered as a client already."""

    code = "client.exists"


class ClientChanged(Refused):
    """The client was changed meanwhile: read it and try again."""

    code = "client.changed"


class KeySetInvalid(Invalid):
    """The JWKS is no set of public ES256, PS256 or EdDSA keys with distinct key ids."""

    code = "client.jwks_invalid"


class KeySetAddressInvalid(Invalid):
    """A jwks_uri is a public https address on port 443."""

    code = "client.jwks_uri_invalid"


class RedirectURIInvalid(Invalid):
    """A redirect URI is https, or http on a loopback address, without fragment and userinfo."""

    code = "client.redirect_uri_invalid"


class ScopeUnknown(Invalid):
    """This server knows no scope or authorization details type of that name."""

    code = "client.scope_unknown"


class ClientSettingInvalid(Invalid):
    """A setting of the client's record has a value that this server does not know."""

    code = "client.setting_invalid"
