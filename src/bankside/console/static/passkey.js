// Passkeys on our own pages. A form of class "passkey" asks our origin for a challenge, the device
// for its answer, and then goes the ordinary way of a form. Without this file the forms stay hidden
// and everything else works.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const descriptors = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

async function ask(options) {
  options.challenge = bytes(options.challenge);
  if (options.user) {
    options.user.id = bytes(options.user.id);
    options.excludeCredentials = descriptors(options.excludeCredentials);
    return navigator.credentials.create({ publicKey: options });
  }
  options.allowCredentials = descriptors(options.allowCredentials);
  return navigator.credentials.get({ publicKey: options });
}

function told(credential) {
  const { response } = credential;
  const answer = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) answer[name] = text(response[name]);
  }
  if (response.getTransports) answer.transports = response.getTransports();
  const id = text(credential.rawId);
  return JSON.stringify({ id, rawId: id, type: credential.type, response: answer });
}

async function send(form) {
  const asked = await fetch(form.dataset.options, {
    method: "POST",
    body: new URLSearchParams({ token: form.elements.token.value }),
  });
  const options = await asked.json();
  if (options.go) return location.assign(options.go);
  form.elements.answer.value = told(await ask(options));
  return form.submit();
}

for (const form of document.querySelectorAll("form.passkey")) {
  if (location.origin !== form.dataset.origin) {
    // The page names the address at which passkeys count, when it is another one of ours.
    form.nextElementSibling?.removeAttribute("hidden");
  } else if (window.PublicKeyCredential) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [button, fault] = [form.querySelector("button"), form.querySelector("[role=alert]")];
      button.disabled = true;
      fault.hidden = true;
      send(form).catch(() => {
        fault.hidden = false;
        button.disabled = false;
      });
    });
  }
}
