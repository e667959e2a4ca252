// A SMART-like authorisation server over oidc-provider: at+jwt tokens with fhirUser and patient, private_key_jwt clients,
// client credentials, token exchange, opaque tokens with introspection and revocation. Whoever logs in is who they say: for tests on 127.0.0.1 only.
//
// Reads its settings as one line of JSON on stdin: { port, coplan: { id, jwks }, fhir, audience }; says "ready" on stdout.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createInterface } from "node:readline";

import { createLocalJWKSet, jwtVerify } from "jose";
import Provider, { errors } from "oidc-provider";

const [line] = await new Promise((read) => createInterface({ input: process.stdin }).once("line", (l) => read([l])));
const { port, coplan, fhir, audience } = JSON.parse(line);
const issuer = `http://127.0.0.1:${port}`;
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
const key = { ...privateKey.export({ format: "jwk" }), kid: "as-1", alg: "ES384", use: "sig" };
const { d, ...publicKey } = key;

const servers = {
  [audience]: "openid fhirUser launch/patient patient/*.cruds user/*.cruds",
  [`${audience}/opaque`]: "openid fhirUser launch/patient patient/*.cruds user/*.cruds",
  [fhir]: "system/*.cruds system/*.rs patient/*.cruds user/*.cruds",
};
const resourceServer = (resource) => {
  if (!(resource in servers)) throw new errors.InvalidTarget();
  const server = { scope: servers[resource], audience: resource, accessTokenTTL: 300 };
  if (resource.endsWith("/opaque")) return { ...server, accessTokenFormat: "opaque" };
  return { ...server, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES384" } } };
};

const provider = new Provider(issuer, {
  jwks: { keys: [key] },
  clients: [
    {
      client_id: "portal",
      token_endpoint_auth_method: "none",
      application_type: "native",
      redirect_uris: ["http://127.0.0.1/callback"],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
    {
      client_id: coplan.id,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES384",
      jwks: coplan.jwks,
      redirect_uris: [],
      response_types: [],
      grant_types: ["client_credentials", EXCHANGE],
    },
  ],
  scopes: ["openid", ...new Set(Object.values(servers).flatMap((s) => s.split(" ")))],
  clientDefaults: { id_token_signed_response_alg: "ES384" },
  clientAuthMethods: ["none", "private_key_jwt"],
  enabledJWA: { clientAuthSigningAlgValues: ["ES384"], idTokenSigningAlgValues: ["ES384"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (_, token) =>
    token.accountId && {
      fhirUser: token.accountId,
      ...(token.accountId.startsWith("Patient/") && { patient: token.accountId.slice("Patient/".length) }),
    },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => fhir,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => resourceServer(resource),
    },
  },
  ttl: { ClientCredentials: 300, AccessToken: 300, Grant: 600, Session: 600, Interaction: 600 },
});

const known = createLocalJWKSet({ keys: [publicKey] });
provider.registerGrantType(
  EXCHANGE,
  async (ctx) => {
    const { subject_token: given, audience: wanted } = ctx.oidc.params;
    const verified = await jwtVerify(given, known, { issuer, audience }).catch(() => undefined);
    if (!verified) throw new errors.InvalidGrant("subject_token is not valid");
    if (!(wanted in servers)) throw new errors.InvalidTarget();
    const token = new provider.AccessToken({
      accountId: verified.payload.sub,
      client: ctx.oidc.client,
      scope: verified.payload.scope.split(" ").filter((s) => servers[wanted].split(" ").includes(s)).join(" "),
      gty: "token_exchange",
    });
    token.resourceServer = new provider.ResourceServer(wanted, resourceServer(wanted));
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      token_type: "Bearer",
      expires_in: token.expiration,
      scope: token.scope,
    };
  },
  ["subject_token", "subject_token_type", "requested_token_type", "audience", "scope"],
);

createServer(provider.callback()).listen(port, "127.0.0.1", () => console.log("ready"));
