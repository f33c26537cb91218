// A real OpenID Connect provider for the tests: one confidential client for people, one service, and two levers that
// a test may move over HTTP: who signs in next, and new signing keys.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [redirectUri, audience] = process.argv.slice(2);
let account = "E-1";
let handle = null;

function keys() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const kid = randomBytes(6).toString("hex");
  return { keys: [{ ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" }] };
}

function build(issuer) {
  const provider = new Provider(issuer, {
    jwks: keys(),
    cookies: { keys: [randomBytes(16).toString("hex")] },
    clients: [
      {
        client_id: "whosaw",
        client_secret: "a secret: with & signs",
        redirect_uris: [redirectUri],
        response_types: ["code"],
        grant_types: ["authorization_code"],
        require_auth_time: true,
      },
      {
        client_id: "nightly-export",
        client_secret: "service-secret",
        redirect_uris: [],
        response_types: [],
        grant_types: ["client_credentials"],
      },
    ],
    claims: { openid: ["sub"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          scope: "ask",
          audience,
          accessTokenTTL: 300,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
        useGrantedResource: () => true,
      },
    },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, IdToken: 300, AccessToken: 300 },
  });
  const callback = provider.callback();
  return async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return callback(request, response);
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    if (prompt.name === "login") {
      const result = account === "" ? { error: "access_denied" } : { login: { accountId: account } };
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    }
    const Grant = provider.Grant;
    const grant = grantId ? await Grant.find(grantId) : new Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope("openid");
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  };
}

const server = createServer(async (request, response) => {
  if (request.url.startsWith("/lever/")) {
    const [, , lever, value] = request.url.split("/");
    if (lever === "account") account = value;
    if (lever === "rotate") handle = build(`http://127.0.0.1:${server.address().port}`);
    return response.end();
  }
  return handle(request, response);
});
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = build(issuer);
  console.log(`listening ${issuer}`);
});
process.stdin.on("end", () => process.exit(0)).resume();
