// Runs unmodified npm openid-client, oauth4webapi and jose: one JSON command a line in, one JSON
// result a line out. Each named client keeps its keys and what it must remember between steps.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.SDK_FOLDER + '/');
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const [oidc, oauth, jose] = await Promise.all(['openid-client', 'oauth4webapi', 'jose'].map(load));

const clients = {};

// Notes every call: [method, path, status].
function noting(calls) {
  return async (url, options) => {
    const answer = await fetch(url, options);
    calls.push([options.method ?? 'GET', new URL(url).pathname, answer.status]);
    return answer;
  };
}

// Both libraries throw an answer that carries a challenge; a test wants to see it.
async function challenged(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error.code !== 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') throw error;
    return error.response;
  }
}

const privateKey = async ({ jwk, alg }) => ({ key: await jose.importJWK(jwk, alg), kid: jwk.kid });

// openid-client: the FAPI 2.0 client; it repeats a call by itself when a DPoP nonce is asked for.
// With `signed` its requests, the answers to them, and what it is told of tokens are all JWTs.
async function openidClient(given) {
  const calls = [];
  const key = await privateKey(given);
  const execute = [oidc.allowInsecureRequests];
  const metadata = { id_token_signed_response_alg: 'ES256' };
  if (given.signed) {
    execute.push(oidc.useJwtResponseMode, oidc.enableNonRepudiationChecks);
    metadata.authorization_signed_response_alg = 'ES256';
    metadata.introspection_signed_response_alg = 'ES256';
  }
  const config = await oidc.discovery(
    new URL(given.issuer), given.client_id, metadata, oidc.PrivateKeyJwt(key),
    { execute, [oidc.customFetch]: noting(calls) },
  );
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(given.dpop_alg));
  let kept;
  return {
    calls,
    begin: async ({ params }) => {
      kept = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() };
      let asked = {
        code_challenge: await oidc.calculatePKCECodeChallenge(kept.verifier),
        code_challenge_method: 'S256', state: kept.state, nonce: kept.nonce, ...params,
      };
      if (given.signed) {
        asked = (await oidc.buildAuthorizationUrlWithJAR(config, asked, key)).searchParams;
      }
      return (await oidc.buildAuthorizationUrlWithPAR(config, asked, { DPoP })).href;
    },
    finish: async ({ url }) => {
      const got = await oidc.authorizationCodeGrant(config, new URL(url), {
        pkceCodeVerifier: kept.verifier, expectedState: kept.state, expectedNonce: kept.nonce,
      }, undefined, { DPoP });
      return { ...got, claims: got.claims() };
    },
    ask_elsewhere: async ({ params }) => {
      kept = await oidc.initiateBackchannelAuthentication(config, params);
      return { expires_in: kept.expires_in, interval: kept.interval };
    },
    answered_elsewhere: () => oidc.pollBackchannelAuthenticationGrant(
      config, kept, undefined, { DPoP }),
    refresh: ({ token, params }) => oidc.refreshTokenGrant(config, token, params, { DPoP }),
    own: ({ params }) => oidc.clientCredentialsGrant(config, params, { DPoP }),
    userinfo: ({ token, subject }) => oidc.fetchUserInfo(config, token, subject, { DPoP }),
    introspect: ({ token }) => oidc.tokenIntrospection(config, token),
    revoke: ({ token }) => oidc.tokenRevocation(config, token),
    resource: async ({ token, url, method, body, headers }) => {
      const answer = await challenged(() => oidc.fetchProtectedResource(
        config, token, new URL(url), method, body, new Headers(headers), { DPoP }));
      return { status: answer.status, body: await answer.text() };
    },
  };
}

// oauth4webapi: the same by hand, one request and one check at a time.
async function oauth4webapi(given) {
  const calls = [];
  const options = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: noting(calls) };
  const issuer = new URL(given.issuer);
  const as = await oauth.processDiscoveryResponse(
    issuer, await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }));
  const client = { client_id: given.client_id, id_token_signed_response_alg: 'ES256' };
  const auth = oauth.PrivateKeyJwt(await privateKey(given));
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(given.dpop_alg));
  const bound = { ...options, DPoP };
  let kept;
  // A nonce that is asked for comes with the refusal; the handle has taken it then.
  const twice = async (ask) => {
    try {
      return await ask();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return ask();
    }
  };
  return {
    calls,
    begin: ({ params }) => twice(async () => {
      kept = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), redirect_uri: params.redirect_uri };
      const pushed = await oauth.processPushedAuthorizationResponse(as, client,
        await oauth.pushedAuthorizationRequest(as, client, auth, new URLSearchParams({
          response_type: 'code', state: kept.state, nonce: kept.nonce,
          code_challenge: await oauth.calculatePKCECodeChallenge(kept.verifier),
          code_challenge_method: 'S256', ...params,
        }), bound));
      const url = new URL(as.authorization_endpoint);
      url.searchParams.set('client_id', client.client_id);
      url.searchParams.set('request_uri', pushed.request_uri);
      return url.href;
    }),
    finish: async ({ url }) => {
      const params = oauth.validateAuthResponse(as, client, new URL(url), kept.state);
      const got = await twice(async () => oauth.processAuthorizationCodeResponse(as, client,
        await oauth.authorizationCodeGrantRequest(
          as, client, auth, params, kept.redirect_uri, kept.verifier, bound),
        { expectedNonce: kept.nonce, requireIdToken: true }));
      return { ...got, claims: oauth.getValidatedIdTokenClaims(got) };
    },
    refresh: ({ token }) => twice(async () => oauth.processRefreshTokenResponse(as, client,
      await oauth.refreshTokenGrantRequest(as, client, auth, token, bound))),
    own: ({ params }) => twice(async () => oauth.processClientCredentialsResponse(as, client,
      await oauth.clientCredentialsGrantRequest(
        as, client, auth, new URLSearchParams(params), bound))),
    userinfo: ({ token, subject }) => twice(async () => oauth.processUserInfoResponse(
      as, client, subject, await oauth.userInfoRequest(as, client, token, bound))),
    introspect: async ({ token }) => oauth.processIntrospectionResponse(
      as, client, await oauth.introspectionRequest(as, client, auth, token, options)),
    revoke: async ({ token }) => oauth.processRevocationResponse(
      await oauth.revocationRequest(as, client, auth, token, options)),
    resource: async ({ token, url, method, body, headers }) => {
      const answer = await challenged(() => twice(() => oauth.protectedResourceRequest(
        token, method, new URL(url), new Headers(headers), body, bound)));
      return { status: answer.status, body: await answer.text() };
    },
  };
}

const kinds = { 'openid-client': openidClient, oauth4webapi };

// A JWT exactly as asked for, with what an honest library would refuse to make.
async function sign({ header, claims, jwk, secret }) {
  if (header.alg === 'none') {
    const encode = (value) => jose.base64url.encode(JSON.stringify(value));
    return `${encode(header)}.${encode(claims)}.`;
  }
  const key = secret ? new TextEncoder().encode(secret) : await jose.importJWK(jwk, header.alg);
  return new jose.SignJWT(claims).setProtectedHeader(header).sign(key);
}

function failure(error) {
  const { name, message, code, error: refused, error_description, status, cause } = error;
  const said = { name, message, code, error: refused, error_description, status };
  if (Array.isArray(cause)) said.challenges = cause;
  return { ok: false, error: said };
}

async function carriedOut({ do: what, client, ...rest }) {
  if (what === 'sign') return sign(rest);
  if (what === 'configure') {
    clients[client] = await kinds[rest.kind](rest);
    return null;
  }
  if (what === 'calls') return clients[client].calls.splice(0);
  return (await clients[client][what](rest)) ?? null;
}

for await (const line of createInterface({ input: process.stdin })) {
  let result;
  try {
    result = { ok: true, value: await carriedOut(JSON.parse(line)) };
  } catch (error) {
    result = failure(error);
  }
  process.stdout.write(JSON.stringify(result) + '\n');
}
