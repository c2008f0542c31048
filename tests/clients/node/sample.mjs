// Runs the sample of docs/partner/oauth-clients.md as it stands there; only what a reader would
// bring along is given: the addresses, a registered client, and a customer with a browser.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.SDK_FOLDER + '/');
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const [client, jose] = await Promise.all(['openid-client', 'jose'].map(load));
const { issuer, edge, clientId, redirect_uri, jwk, page } = JSON.parse(process.env.GIVEN);

const lines = createInterface({ input: process.stdin });
const sendCustomerTo = (address) => {
  console.log(address.href);
  return new Promise((resolve) => lines.once('line', (line) => resolve(new URL(line))));
};
const brought = {
  client, issuer, edge, clientId, redirect_uri, sendCustomerTo,
  key: await jose.importJWK(jwk, 'ES256'), kid: jwk.kid,
};
const [, sample] = readFileSync(page, 'utf8').match(/^```js\n(.*?)^```$/ms);
const AsyncFunction = (async () => {}).constructor;
await new AsyncFunction(...Object.keys(brought), sample)(...Object.values(brought));
lines.close();
