// An OpenID Connect provider for the tests: every log-in flow that clients of Sentier use, with access
// tokens that are JSON Web Tokens for one audience. Everything comes from the environment:
//   OP_PORT   port on 127.0.0.1 (9000)         OP_ISSUER     issuer, when it is not that address
//   OP_KEYS   file of the private key set,      OP_TTL        lifetime of access tokens in seconds (600)
//             made when it is not there         OP_AUDIENCE   audience of access tokens
//   OP_OPAQUE 1: opaque access tokens           OP_REDIRECTS  redirect addresses of the web client
// Prints "OP ready ISSUER" when it listens, and ends with its standard input when that is a pipe.
// Anybody may log in with any password.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, fstatSync, readFileSync, writeFileSync } from 'node:fs';
import { createLocalJWKSet, jwtVerify } from 'jose';
import Provider from 'oidc-provider';

const { env } = process;
const port = Number(env.OP_PORT ?? 9000);
const issuer = env.OP_ISSUER ?? `http://127.0.0.1:${port}`;
const keyFile = env.OP_KEYS ?? 'op-keys.json';
const audience = env.OP_AUDIENCE ?? 'urn:sentier:api';
const lifetime = Number(env.OP_TTL ?? 600);
const redirects = (env.OP_REDIRECTS ?? 'http://127.0.0.1:8080/ui/').split(',');
const apiScopes = ['jobs:read', 'jobs:write'];
const allScopes = ['openid', 'profile', 'email', ...apiScopes].join(' ');

const people = {
  alice: { name: 'Alice Martin', email: 'alice@example.test', groups: ['users'] },
  admin: { name: 'Ada Minder', email: 'admin@example.test', groups: ['users', 'admins'] },
};
const person = (id) => people[id] ?? { name: id, email: `${id}@example.test`, groups: ['users'] };

function privateKeys() {
  if (!existsSync(keyFile)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: 'jwk' }), kid: 'first', use: 'sig', alg: 'RS256' };
    writeFileSync(keyFile, JSON.stringify({ keys: [key] }), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(keyFile, 'utf8'));
}
const keys = privateKeys();

const publicClient = (client_id, application_type, grant_types, redirect_uris) => ({
  client_id,
  application_type,
  redirect_uris,
  grant_types: [...grant_types, 'refresh_token'],
  response_types: redirect_uris.length ? ['code'] : [],
  token_endpoint_auth_method: 'none',
  scope: `${allScopes} offline_access`,
});
const clients = [
  publicClient('sentier-web', 'web', ['authorization_code'], redirects),
  publicClient('sentier-cli', 'native', ['urn:ietf:params:oauth:grant-type:device_code'], []),
  {
    client_id: 'sentier-bot',
    client_secret: 'bot-secret',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: ['openid', ...apiScopes].join(' '), // openEO's Python client asks for openid
  },
];

const provider = new Provider(issuer, {
  clients,
  jwks: keys,
  cookies: { keys: ['for tests only'] },
  pkce: { required: () => true },
  scopes: [...allScopes.split(' '), 'offline_access'],
  claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email', 'email_verified'] },
  clientBasedCORS: () => true,
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email_verified: true, ...person(id) }),
  }),
  extraTokenClaims: (_context, token) => ({
    groups: token.accountId ? person(token.accountId).groups : ['bots'],
  }),
  issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
  ttl: { AccessToken: lifetime, ClientCredentials: lifetime },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience,
        scope: allScopes,
        accessTokenFormat: env.OP_OPAQUE ? 'opaque' : 'jwt',
        accessTokenTTL: lifetime,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});

// openEO's web clients ask for the user's profile with the token that they send to the API. Large
// providers allow that; this one refuses tokens that are bound to an audience, so it is answered here.
const publicKeys = createLocalJWKSet({
  keys: keys.keys.map(({ kty, n, e, kid, use, alg }) => ({ kty, n, e, kid, use, alg })),
});
provider.use(async (context, next) => {
  const [, token] = /^Bearer ([^ ]+\.[^ ]+\.[^ ]+)$/.exec(context.get('authorization')) ?? [];
  if (context.path !== '/me' || !token) return next();
  context.set('access-control-allow-origin', '*');
  try {
    const { payload } = await jwtVerify(token, publicKeys, { issuer, audience });
    context.body = { sub: payload.sub, groups: payload.groups, ...person(payload.sub) };
  } catch {
    context.status = 401;
    context.body = { error: 'invalid_token' };
  }
  return undefined;
});

provider.on('server_error', (_context, error) => console.error('OP error', error));
provider.listen(port, '127.0.0.1', () => console.log('OP ready', issuer));

if (fstatSync(0).isFIFO() || fstatSync(0).isSocket()) {
  process.stdin.on('end', () => process.exit(0)).resume();
}
