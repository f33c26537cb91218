// Signing in with a passkey, and making one: asks whosaw for options, the authenticator for a signature, and posts it.
"use strict";

const main = document.querySelector("main");
const said = document.getElementById("said");
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.said);
  return told;
}

function spoken(credential) {
  const { response } = credential;
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: parts };
}

async function enter(then) {
  const { state, options } = await post("/identity/passkey/begin", {});
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: [] };
  const credential = await navigator.credentials.get({ publicKey });
  const { to } = await post("/identity/passkey", { state, then, credential: spoken(credential) });
  location.assign(to);
}

async function enrol(once, name) {
  const { state, options } = await post("/identity/passkey/enrol/begin", { once });
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: options.excludeCredentials.map((each) => ({ ...each, id: bytes(each.id) })),
  };
  const credential = await navigator.credentials.create({ publicKey });
  const { to } = await post("/identity/passkey/enrol", { state, once, name, credential: spoken(credential) });
  location.assign(to);
}

function on(id, work) {
  const button = document.getElementById(id);
  if (!button) return;
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    said.textContent = "";
    button.disabled = true;
    try {
      await work();
    } catch (problem) {
      said.textContent = problem instanceof DOMException
        ? "The browser did not finish it. Try again." : problem.message;
    } finally {
      button.disabled = false;
    }
  });
}

if (location.origin !== main.dataset.origin) {
  const link = document.createElement("a");
  link.href = main.dataset.origin + location.pathname + location.hash;
  link.textContent = "Go there";
  said.replaceChildren(`Passkeys are good at ${main.dataset.origin} alone. `, link);
} else if (!window.PublicKeyCredential) {
  said.textContent = "This browser has no passkeys.";
}
on("enter", () => enter("console"));
on("another", () => enter("enrol"));
on("enrol", () => enrol(location.hash.slice(1), document.getElementById("n").value));
