// Somebody else's FAPI 2.0 authorization server, npm oidc-provider, at our own paths: what our tests
// ask of us they must find there too. One client, no storage, ended with its input.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.SDK_FOLDER + '/');
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);
const { port, client_id, redirect_uris, jwks, key } = JSON.parse(process.env.GIVEN);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id, redirect_uris, jwks,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    scope: 'openid offline_access accounts',
    dpop_bound_access_tokens: true,
  }],
  clientAuthMethods: ['private_key_jwt'],
  scopes: ['openid', 'offline_access', 'accounts'],
  jwks: { keys: [key] },
  cookies: { keys: ['only for this run'] },
  enabledJWA: {
    clientAuthSigningAlgValues: ['ES256', 'PS256', 'EdDSA'],
    dPoPSigningAlgValues: ['ES256', 'PS256', 'EdDSA'],
    idTokenSigningAlgValues: ['ES256'],
  },
  features: {
    fapi: { enabled: true, profile: '2.0' },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  routes: {
    authorization: '/oauth/authorize',
    pushed_authorization_request: '/oauth/par',
    token: '/oauth/token',
    introspection: '/oauth/introspect',
    revocation: '/oauth/revoke',
    userinfo: '/oauth/userinfo',
    jwks: '/oauth/jwks',
  },
});
provider.listen(port, '127.0.0.1', () => process.stdout.write('ready\n'));
process.stdin.on('end', () => process.exit(0)).resume();
