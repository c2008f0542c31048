"""The paths of the authorization server, below its issuer."""

PAR, AUTHORIZE, TOKEN = "/oauth/par", "/oauth/authorize", "/oauth/token"
USERINFO, INTROSPECT, REVOKE = "/oauth/userinfo", "/oauth/introspect", "/oauth/revoke"
JWKS = "/oauth/jwks"
BACKCHANNEL = "/oauth/backchannel-authentication"
GRANTS = "/oauth/grants"
INTERACTIONS = "/oauth/interactions"
METADATA = (
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
)
