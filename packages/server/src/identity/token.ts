import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { type JWTPayload, jwtVerify } from 'jose';
import { type App, appKey } from '../app/index.ts';
import { Refused, secretHash } from '../base/index.ts';
import { ConfigError, type JwtAlgorithm, type JwtConfig } from '../config/index.ts';
import type { Store } from '../store/index.ts';

/** How far the issuer's clock and ours may differ. */
export const TOKEN_SKEW_SEC = 60;
/** A token that lives longer is refused: its `jti` would have to be remembered as long. */
export const TOKEN_LIFETIME_SEC = 86_400;
const MAX_CLAIM_LENGTH = 255;
/** RFC 7518 §3.2: a shared secret has at least the hash's size. */
const MIN_SECRET_BYTES = 32;

const importedKeys = new WeakMap<JwtConfig, KeyObject>();

/**
 * The subject of a token: signed by the app's issuer for this audience, in time, and never seen before.
 * @throws Refused `APP_FORBIDDEN` when the app has no issuer, else `AUTH_FAILED`
 */
export async function verifyToken(
  app: App,
  token: string,
  store: Store,
  nowMs: number,
): Promise<{ issuer: string; subject: string }> {
  const { jwt } = app.settings;
  if (!jwt) throw new Refused('APP_FORBIDDEN', 'this app takes no tokens');
  const { sub, jti, exp } = await verifiedClaims(jwt, token, nowMs);
  if (!isClaim(sub) || !isClaim(jti) || exp === undefined) {
    throw new Refused('AUTH_FAILED', 'the token must have sub, jti and exp');
  }
  const secondsLeft = exp - nowMs / 1000;
  if (secondsLeft > TOKEN_LIFETIME_SEC + TOKEN_SKEW_SEC) {
    throw new Refused('AUTH_FAILED', 'the token lives longer than a day');
  }
  const fresh = await store.write({
    key: appKey(app, 'jti', secretHash(`${jwt.issuer}\0${jti}`)),
    from: 0,
    value: true,
    expiresInMs: (secondsLeft + TOKEN_SKEW_SEC + 1) * 1000,
  });
  if (!fresh) throw new Refused('AUTH_FAILED', 'the token was used already');
  return { issuer: jwt.issuer, subject: sub };
}

async function verifiedClaims(jwt: JwtConfig, token: string, nowMs: number): Promise<JWTPayload> {
  const key = verifyKey(jwt);
  try {
    const { payload } = await jwtVerify(token, key, {
      issuer: jwt.issuer,
      audience: jwt.audience,
      algorithms: [...jwt.algorithms],
      clockTolerance: TOKEN_SKEW_SEC,
      requiredClaims: ['sub', 'jti', 'exp'],
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (error) {
    // The key was tried at the start, so whatever is wrong here is wrong with the token.
    const said = error instanceof Error ? error.message : String(error);
    throw new Refused('AUTH_FAILED', `the token was refused: ${said.slice(0, 200)}`);
  }
}

/** Imported once; a key that cannot be imported fails {@link checkTokenKeys} at the start. */
function verifyKey(jwt: JwtConfig): KeyObject {
  const known = importedKeys.get(jwt);
  if (known) return known;
  const imported = importKey(jwt.key);
  importedKeys.set(jwt, imported);
  return imported;
}

function importKey(key: JwtConfig['key']): KeyObject {
  if (typeof key === 'string') return createPublicKey(key);
  if (key.kty === 'oct' && typeof key.k === 'string') {
    return createSecretKey(Buffer.from(key.k, 'base64url'));
  }
  // Node checks each field it needs and throws where one is wrong.
  return createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
}

/** Imports every app's key and looks whether its algorithms can be verified with it. @throws ConfigError */
export function checkTokenKeys(apps: Iterable<App>): void {
  for (const { id, settings } of apps) {
    if (!settings.jwt) continue;
    const fault = faultOf(settings.jwt);
    if (fault !== undefined) throw new ConfigError(`apps.${id}.jwt.${fault}`);
  }
}

/** The key itself is not quoted: it may be a secret. */
function faultOf(jwt: JwtConfig): string | undefined {
  let key: KeyObject;
  try {
    key = verifyKey(jwt);
  } catch {
    return 'key: neither a JWK nor the PEM text of a public key';
  }
  const wrong = jwt.algorithms.find((algorithm) => !keyTypes[algorithm].includes(typeOf(key)));
  if (wrong !== undefined) return `algorithms: ${wrong} cannot be verified with this key`;
  if (key.type === 'secret' && (key.symmetricKeySize ?? 0) < MIN_SECRET_BYTES) {
    return `key: a shared secret needs at least ${MIN_SECRET_BYTES} bytes`;
  }
  return undefined;
}

/** As Node names key types; of elliptic curves, the curve. */
const keyTypes: Readonly<Record<JwtAlgorithm, readonly string[]>> = {
  EdDSA: ['ed25519'],
  ES256: ['prime256v1'],
  ES384: ['secp384r1'],
  ES512: ['secp521r1'],
  RS256: ['rsa'],
  PS256: ['rsa', 'rsa-pss'],
  HS256: ['secret'],
};

function typeOf(key: KeyObject): string {
  if (key.type === 'secret') return key.type;
  return key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? '';
}

function isClaim(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_CLAIM_LENGTH;
}
