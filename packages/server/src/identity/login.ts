import { nodeCrypto } from 'partyline/node';
import { guestPlayerId, loginBytes, tokenPlayerId } from 'partyline/protocol/cert';
import type { App } from '../app/index.ts';
import { Refused } from '../base/index.ts';
import type { Store } from '../store/index.ts';
import { fromText } from './bytes.ts';
import { verifyToken } from './token.ts';

/** Who logged in, proved. */
export interface Proven {
  readonly player: string;
  readonly name: string;
  /** `key`: the player proved a long-lived key. `server`: we vouch for a token's subject. */
  readonly proof: 'key' | 'server';
  /** base64url. */
  readonly sessionKey: string;
}

/** What both kinds of login and a resume sign. */
export interface SessionProof {
  readonly origin: string;
  readonly sessionKey: string;
  readonly sessionSignature: string;
}

export interface GuestLogin extends SessionProof {
  readonly name: string;
  readonly publicKey: string;
  readonly signature: string;
}

export interface TokenLogin extends SessionProof {
  readonly name: string;
  readonly token: string;
}

/** @throws Refused `APP_FORBIDDEN`, `AUTH_FAILED` */
export function proveGuest(app: App, login: GuestLogin, nonce: Uint8Array): Proven {
  if (!app.settings.guests) {
    throw new Refused('APP_FORBIDDEN', 'this app takes no guests; log in with a token');
  }
  const publicKey = fromText(login.publicKey);
  const { origin } = login;
  const sessionKey = fromText(login.sessionKey);
  const signed = loginBytes({ purpose: 'login', origin, app: app.id, nonce, sessionKey });
  if (!nodeCrypto.ed25519Verify(publicKey, signed, fromText(login.signature))) {
    throw new Refused('AUTH_FAILED', 'the signature of the player key does not verify');
  }
  requireSessionKey(app, login, nonce);
  const player = guestPlayerId(nodeCrypto, app.id, publicKey);
  return { player, name: login.name, proof: 'key', sessionKey: login.sessionKey };
}

/** @throws Refused `APP_FORBIDDEN`, `AUTH_FAILED` */
export async function proveToken(
  app: App,
  login: TokenLogin,
  nonce: Uint8Array,
  store: Store,
  nowMs: number,
): Promise<Proven> {
  // The session key first: a wrong one must not use up the token.
  requireSessionKey(app, login, nonce);
  const { issuer, subject } = await verifyToken(app, login.token, store, nowMs);
  const player = tokenPlayerId(nodeCrypto, app.id, issuer, subject);
  return { player, name: login.name, proof: 'server', sessionKey: login.sessionKey };
}

/** That the client has the session key, now, here. @throws Refused `AUTH_FAILED` */
export function requireSessionKey(app: App, proof: SessionProof, nonce: Uint8Array): void {
  const sessionKey = fromText(proof.sessionKey);
  const { origin } = proof;
  const signed = loginBytes({ purpose: 'session', origin, app: app.id, nonce, sessionKey });
  if (!nodeCrypto.ed25519Verify(sessionKey, signed, fromText(proof.sessionSignature))) {
    throw new Refused('AUTH_FAILED', 'the signature of the session key does not verify');
  }
}
