// Runs the unmodified npm alipay-sdk: one JSON command a line in, one JSON result a line out.
// The first line is the configuration the SDK is built with.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const require = createRequire(process.env.SDK_FOLDER + '/');
const { AlipaySdk } = require('alipay-sdk');

let sdk;

const commands = {
  exec: ({ method, content, common, options }) =>
    sdk.exec(method, { bizContent: content, ...common }, options),
  curl: async ({ verb, path, options }) => (await sdk.curl(verb, path, options)).data,
  notify: ({ form }) => [sdk.checkNotifySign(form), sdk.checkNotifySignV2(form)],
  page: ({ method, verb, content, common }) =>
    sdk.pageExecute(method, verb, { bizContent: content, ...common }),
  order: ({ method, content, common }) =>
    sdk.sdkExecute(method, { bizContent: content, ...common }),
};

function failure(error) {
  const { name, message, code, responseHttpStatus, traceId } = error;
  return { ok: false, error: { name, message, code, status: responseHttpStatus, traceId } };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let result;
  try {
    if (command.do === 'configure') {
      sdk = new AlipaySdk(command.config);
      result = { ok: true, value: sdk.version };
    } else {
      result = { ok: true, value: await commands[command.do](command) };
    }
  } catch (error) {
    result = failure(error);
  }
  process.stdout.write(JSON.stringify(result) + '\n');
}
