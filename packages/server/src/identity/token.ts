import { createPublicKey, type KeyObject } from 'node:crypto';
import { errors, importJWK, type JWTPayload, jwtVerify } from 'jose';
import { type App, appKey } from '../app/index.ts';
import { Refused, secretHash } from '../base/index.ts';
import type { JwtConfig } from '../config/index.ts';
import type { Store } from '../store/index.ts';

/** How far the issuer's clock and ours may differ. */
export const TOKEN_SKEW_SEC = 60;
/** A token that lives longer is refused: its `jti` would have to be remembered as long. */
export const TOKEN_LIFETIME_SEC = 86_400;
const MAX_CLAIM_LENGTH = 255;

type VerifyKey = KeyObject | CryptoKey | Uint8Array;
const importedKeys = new WeakMap<JwtConfig, Promise<VerifyKey>>();

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
  try {
    const { payload } = await jwtVerify(token, await verifyKey(jwt), {
      issuer: jwt.issuer,
      audience: jwt.audience,
      algorithms: [...jwt.algorithms],
      clockTolerance: TOKEN_SKEW_SEC,
      requiredClaims: ['sub', 'jti', 'exp'],
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw new Refused('AUTH_FAILED', `the token was refused: ${error.message}`);
  }
}

/** Imported once; a key that cannot be imported fails {@link checkTokenKeys} at the start. */
function verifyKey(jwt: JwtConfig): Promise<VerifyKey> {
  const known = importedKeys.get(jwt);
  if (known) return known;
  const imported = importKey(jwt);
  importedKeys.set(jwt, imported);
  return imported;
}

async function importKey({ key, algorithms }: JwtConfig): Promise<VerifyKey> {
  if (typeof key === 'string') return createPublicKey(key);
  return importJWK(key, algorithms[0]);
}

/** Imports every app's key. @throws Error that names the app */
export async function checkTokenKeys(apps: Iterable<App>): Promise<void> {
  for (const { id, settings } of apps) {
    if (!settings.jwt) continue;
    try {
      await verifyKey(settings.jwt);
    } catch (cause) {
      throw new Error(`apps.${id}.jwt.key is no JWK and no PEM of a public key`, { cause });
    }
  }
}

function isClaim(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_CLAIM_LENGTH;
}
