import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { nodeCrypto } from 'partyline/node';
import { guestPlayerId, verifyCert } from 'partyline/protocol/cert';
import { expect, test } from 'vitest';
import { ManualClock } from '../../packages/server/src/base/index.ts';
import { CHALLENGE_MS } from '../../packages/server/src/identity/index.ts';
import { ControlClient, newKeys, signLogin, testServer, text } from './control-client.ts';

const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'base64url'));

test('a guest gets the id of its key and a certificate of its session key', async () => {
  await using server = await testServer();
  await using client = await ControlClient.open(server.url);
  const keys = newKeys();
  const opened = await client.login('arena', keys);
  const publicKey = nodeCrypto.ed25519PublicKey(keys.player);
  expect(opened.player).toBe(guestPlayerId(nodeCrypto, 'arena', publicKey));
  const verified = verifyCert(nodeCrypto, bytes(opened.cert), {
    caPublicKey: bytes(opened.caPublicKey),
    nowSec: Date.now() / 1000,
    identity: `str:${opened.player}`,
  });
  expect(verified.publicKey).toEqual(nodeCrypto.ed25519PublicKey(keys.session));
});

test('two apps have two CAs, and one key is two players', async () => {
  await using server = await testServer();
  await using a = await ControlClient.open(server.url);
  await using b = await ControlClient.open(server.url);
  const keys = newKeys();
  const [first, second] = [await a.login('arena', keys), await b.login('other', keys)];
  expect(first.player).not.toBe(second.player);
  expect(first.caPublicKey).not.toBe(second.caPublicKey);
});

test('a login is good once, on its socket, for its app', async () => {
  await using server = await testServer();
  await using a = await ControlClient.open(server.url);
  await using b = await ControlClient.open(server.url);
  const login = await a.loginParams('arena', newKeys());
  expect(await b.refused('session.loginGuest', login)).toBe('AUTH_FAILED');
  await b.call('session.challenge', { app: 'arena' });
  expect(await b.refused('session.loginGuest', login)).toBe('AUTH_FAILED');
  expect(await a.refused('session.loginGuest', { ...login, app: 'other' })).toBe('AUTH_FAILED');
  expect(await a.refused('session.loginGuest', login)).toBe('AUTH_FAILED');
  await a.call('session.loginGuest', await a.loginParams('arena', newKeys()));
  expect(await a.refused('session.loginGuest', login)).toBe('REQUEST_INVALID');
});

test('the challenge that comes unasked is good once, on its socket, for any app, for 30 seconds', async () => {
  const clock = new ManualClock();
  await using server = await testServer({ loginTimeoutMs: 2 * CHALLENGE_MS }, { clock });
  await using a = await ControlClient.open(server.url);
  await using b = await ControlClient.open(server.url);
  await using late = await ControlClient.open(server.url);
  const login = await a.promptLoginParams('other', newKeys());
  expect(await b.refused('session.loginGuest', login)).toBe('AUTH_FAILED');
  expect(await a.refused('session.loginGuest', { ...login, app: 'arena' })).toBe('AUTH_FAILED');
  expect(await a.refused('session.loginGuest', login)).toBe('AUTH_FAILED');
  await using c = await ControlClient.open(server.url);
  await c.call('session.loginGuest', await c.promptLoginParams('other', newKeys()));
  const tooLate = await late.promptLoginParams('arena', newKeys());
  clock.advance(CHALLENGE_MS);
  expect(await late.refused('session.loginGuest', tooLate)).toBe('AUTH_FAILED');
});

test('what comes behind a login without waiting is asked of its session, and answered after it', async () => {
  await using server = await testServer();
  await using client = await ControlClient.open(server.url);
  const login = await client.promptLoginParams('arena', newKeys());
  const settled: string[] = [];
  const all = (['session.loginGuest', 'lobby.create', 'session.ping'] as const).map((method) =>
    client.callAny(method, method === 'session.loginGuest' ? login : {}).then(() => {
      settled.push(method);
    }),
  );
  await Promise.all(all);
  expect(settled).toEqual(['session.loginGuest', 'lobby.create', 'session.ping']);
});

test('what comes behind a login that is refused is refused too, and the next login is heard', async () => {
  await using server = await testServer();
  await using client = await ControlClient.open(server.url);
  const login = await client.promptLoginParams('arena', newKeys());
  const forged = { ...login, signature: login.sessionSignature };
  const refused = client.refused('session.loginGuest', forged);
  const create = client.refused('lobby.create', {});
  const again = client.login();
  expect([await refused, await create]).toEqual(['AUTH_FAILED', 'AUTH_REQUIRED']);
  expect((await again).player).toMatch(/^g/);
});

test.each(['publicKey', 'sessionKey', 'signature', 'sessionSignature'] as const)(
  'a login with another %s is refused',
  async (field) => {
    await using server = await testServer();
    await using client = await ControlClient.open(server.url);
    const nonce = text(nodeCrypto.randomBytes(32));
    const other = signLogin('arena', newKeys(), server.url, nonce);
    const login = await client.loginParams('arena', newKeys());
    const forged = { ...login, [field]: other[field] };
    expect(await client.refused('session.loginGuest', forged)).toBe('AUTH_FAILED');
  },
);

test('a login signed for another server is refused, whatever the Host header says', async () => {
  await using server = await testServer();
  for (const origin of ['http://evil.example', 'https://127.0.0.1', 'http://127.0.0.1:1', 'x']) {
    await using client = await ControlClient.open(server.url, { host: 'evil.example' });
    const login = await client.loginParams('arena', newKeys(), origin);
    expect(await client.refused('session.loginGuest', login)).toBe('AUTH_FAILED');
  }
  for (const scheme of ['ws', 'http']) {
    await using client = await ControlClient.open(server.url);
    const origin = `${scheme}://localhost:${server.port}`;
    await client.call('session.loginGuest', await client.loginParams('arena', newKeys(), origin));
  }
});

test('the public URL is an origin of ours, ws and http alike', async () => {
  await using server = await testServer({ publicUrl: 'https://play.example.com' });
  const dialled = `http://127.0.0.1:${server.port}`;
  for (const origin of ['wss://play.example.com:443', 'https://play.example.com']) {
    await using client = await ControlClient.open(dialled);
    await client.call('session.loginGuest', await client.loginParams('arena', newKeys(), origin));
  }
  await using client = await ControlClient.open(dialled);
  const plain = await client.loginParams('arena', newKeys(), 'ws://play.example.com');
  expect(await client.refused('session.loginGuest', plain)).toBe('AUTH_FAILED');
});

test('an app may name the web origins of its pages', async () => {
  await using server = await testServer({
    apps: { arena: { origins: ['https://game.example'] } },
  });
  await using page = await ControlClient.open(server.url, { origin: 'https://game.example' });
  await using evil = await ControlClient.open(server.url, { origin: 'https://evil.example' });
  await using program = await ControlClient.open(server.url);
  await page.login();
  await program.login();
  expect(await evil.refused('session.challenge', { app: 'arena' })).toBe('APP_FORBIDDEN');
});

test('logins are limited per address', async () => {
  await using server = await testServer({ rateLimits: { login: { perSecond: 0.1, burst: 2 } } });
  for (const expected of ['ok', 'ok', 'RATE_LIMITED']) {
    await using client = await ControlClient.open(server.url);
    const login = await client.loginParams('arena', newKeys());
    const answer = client.callAny('session.loginGuest', login).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
    expect(await answer).toBe(expected);
  }
});

const issuer = generateKeyPairSync('ed25519');
const jwt = {
  issuer: 'https://id.example',
  audience: 'arena',
  algorithms: ['EdDSA' as const],
  key: issuer.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
};
const tokenApps = { arena: { guests: false, jwt }, other: {} };

interface Claims {
  readonly iss?: string;
  readonly aud?: string;
  readonly jti?: string | undefined;
  readonly expiresInSec?: number;
  readonly key?: typeof issuer.privateKey;
}

function token({ iss = jwt.issuer, aud = jwt.audience, expiresInSec = 300, ...rest }: Claims = {}) {
  const { key = issuer.privateKey } = rest;
  const jti = 'jti' in rest ? rest.jti : randomUUID();
  const nowSec = Math.floor(Date.now() / 1000);
  const made = new SignJWT(jti === undefined ? {} : { jti })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setSubject('user 7')
    .setIssuer(iss)
    .setAudience(aud)
    .setExpirationTime(nowSec + expiresInSec);
  return made.sign(key);
}

async function tokenLogin(client: ControlClient, value: string) {
  const { app, name, origin, sessionKey, sessionSignature } = await client.loginParams(
    'arena',
    newKeys(),
  );
  return { app, name, origin, sessionKey, sessionSignature, token: value };
}

test('a token logs in its subject, once, server-vouched; 60 s of skew are forgiven', async () => {
  await using server = await testServer({ apps: tokenApps });
  await using a = await ControlClient.open(server.url);
  await using b = await ControlClient.open(server.url);
  const value = await token();
  const opened = await a.call('session.loginToken', await tokenLogin(a, value));
  expect(opened.player).toMatch(/^u[a-z2-7]{26}$/);
  const { lobby } = await a.call('lobby.create', {});
  expect(lobby.members[0]?.proof).toBe('server');
  expect(await b.refused('session.loginToken', await tokenLogin(b, value))).toBe('AUTH_FAILED');
  const late = await tokenLogin(b, await token({ expiresInSec: -50 }));
  expect((await b.call('session.loginToken', late)).player).toBe(opened.player);
});

test.each([
  ['expired', { expiresInSec: -70 }],
  ['foreign issuer', { iss: 'https://evil.example' }],
  ['foreign audience', { aud: 'other' }],
  ['without jti', { jti: undefined }],
  ['too long-lived', { expiresInSec: 200_000 }],
  ['signed by another key', { key: generateKeyPairSync('ed25519').privateKey }],
])('a token is refused: %s', async (_what, claims) => {
  await using server = await testServer({ apps: tokenApps });
  await using client = await ControlClient.open(server.url);
  const login = await tokenLogin(client, await token(claims));
  expect(await client.refused('session.loginToken', login)).toBe('AUTH_FAILED');
});

test('an unsigned token, garbage, and the wrong kind of login are refused', async () => {
  await using server = await testServer({ apps: tokenApps });
  await using client = await ControlClient.open(server.url);
  const claims = Buffer.from(JSON.stringify({ sub: 'x', jti: 'y', exp: 9e9 })).toString(
    'base64url',
  );
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
  for (const value of [none, 'garbage', '']) {
    const login = await tokenLogin(client, value);
    expect(await client.refused('session.loginToken', login)).toBe('AUTH_FAILED');
  }
  const guest = await client.loginParams('arena', newKeys());
  expect(await client.refused('session.loginGuest', guest)).toBe('APP_FORBIDDEN');
  const { app: _app, ...rest } = await tokenLogin(client, await token());
  await client.call('session.challenge', { app: 'other' });
  expect(await client.refused('session.loginToken', { ...rest, app: 'other' })).toBe('AUTH_FAILED');
});
