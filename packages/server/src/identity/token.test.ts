import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import type { App } from '../app/index.ts';
import { ManualClock } from '../base/index.ts';
import { ConfigError, type JwtConfig } from '../config/index.ts';
import { MemoryStore } from '../store/index.ts';
import { checkTokenKeys } from './index.ts';
import { verifyToken } from './token.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed25519 = generateKeyPairSync('ed25519');
const secret = randomBytes(32);

function appWith(jwt: Pick<JwtConfig, 'algorithms' | 'key'>): App {
  const settings = { guests: true, jwt: { issuer: 'us', audience: 'arena', ...jwt } };
  return {
    id: 'arena',
    settings,
    ca: { seed: new Uint8Array(), publicKey: new Uint8Array(), keyId: 0n },
  };
}

const jwkOf = (key: KeyObject): Record<string, unknown> => ({ ...key.export({ format: 'jwk' }) });
const oct = { kty: 'oct', k: secret.toString('base64url') };
const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString();

async function login(app: App, alg: string, key: KeyObject | Uint8Array): Promise<string> {
  const clock = new ManualClock();
  const token = await new SignJWT({ jti: 'one' })
    .setProtectedHeader({ alg })
    .setSubject('user 7')
    .setIssuer('us')
    .setAudience('arena')
    .setExpirationTime(clock.wallMs() / 1000 + 60)
    .sign(key);
  return (await verifyToken(app, token, new MemoryStore(clock), clock.wallMs())).subject;
}

test.each([
  ['RS256', ['RS256', 'PS256'], jwkOf(rsa.publicKey), rsa.privateKey],
  ['PS256', ['RS256', 'PS256'], jwkOf(rsa.publicKey), rsa.privateKey],
  ['RS256', ['RS256'], pem, rsa.privateKey],
  ['ES256', ['ES256'], jwkOf(p256.publicKey), p256.privateKey],
  ['EdDSA', ['EdDSA'], jwkOf(ed25519.publicKey), ed25519.privateKey],
  ['HS256', ['HS256'], oct, secret],
] as const)(
  'a token by %s, where the app takes %j, is accepted',
  async (alg, algorithms, key, sign) => {
    const app = appWith({ algorithms, key });
    checkTokenKeys([app]);
    expect(await login(app, alg, sign)).toBe('user 7');
  },
);

test('an algorithm that is not listed is AUTH_FAILED, also with the right key', async () => {
  const app = appWith({ algorithms: ['RS256'], key: pem });
  await expect(login(app, 'PS256', rsa.privateKey)).rejects.toMatchObject({ code: 'AUTH_FAILED' });
  await expect(login(app, 'HS256', Buffer.from(pem))).rejects.toMatchObject({
    code: 'AUTH_FAILED',
  });
});

test.each([
  ['RS256 with a secret', ['RS256'], oct, 'RS256 cannot be verified with this key'],
  ['HS256 with a public key', ['RS256', 'HS256'], pem, 'HS256 cannot be verified with this key'],
  ['ES384 with P-256', ['ES384'], jwkOf(p256.publicKey), 'ES384 cannot be verified'],
  ['a short secret', ['HS256'], { kty: 'oct', k: 'c2VjcmV0' }, 'at least 32 bytes'],
  ['no key', ['RS256'], 'hello', 'neither a JWK nor the PEM text of a public key'],
  ['half a JWK', ['RS256'], { kty: 'RSA', n: 'AQ' }, 'neither a JWK nor the PEM text'],
] as const)('%s: refused at the start, in words', (_what, algorithms, key, message) => {
  const check = (): void => checkTokenKeys([appWith({ algorithms, key })]);
  expect(check).toThrow(ConfigError);
  expect(check).toThrow(`apps.arena.jwt.`);
  expect(check).toThrow(message);
});
