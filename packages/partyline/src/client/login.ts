import {
  fromBase64Url,
  type Millis,
  NetError,
  type Scheduler,
  toBase64Url,
} from '../base/index.ts';
import { guestPlayerId, loginBytes, readCertClaims } from '../cert/verify/index.ts';
import type { Crypto } from '../crypto/index.ts';
import type { ResolvedConnectOptions } from './connect-options.ts';
import type { ControlChannel } from './control-channel.ts';
import type { MethodName, Params, Results } from './generated/protocol.ts';

/** An Ed25519 pair. */
export interface KeyPair {
  /** 32 bytes, secret. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What the server opened: for us, and under the CA that it named first. */
export interface OpenedSession {
  readonly player: string;
  readonly name: string;
  readonly caPublicKey: Uint8Array;
  readonly resumeToken: string;
  readonly seatHoldMs: number;
  readonly serverTimeMs: number;
  readonly stunUrls: readonly string[];
}

export type HeldLobbies = Results['session.resume']['lobbies'];

export interface LoginOptions {
  readonly crypto: Crypto;
  readonly scheduler: Scheduler;
  readonly options: ResolvedConnectOptions;
  readonly sessionKey: KeyPair;
  /** A new session is asked for: what follows on the channel is in its name. Not called for a resume. */
  readonly handleSent: () => void;
  /** Runs before any later frame of the server is looked at. */
  readonly accept: (opened: OpenedSession, held: HeldLobbies, sentAt: Millis) => void;
}

export function newKeyPair(crypto: Crypto): KeyPair {
  return keyPairOf(crypto, crypto.randomBytes(32));
}

export function keyPairOf(crypto: Crypto, seed: Uint8Array): KeyPair {
  return { seed, publicKey: crypto.ed25519PublicKey(seed) };
}

/** The guest key signs this login and nothing else, ever. */
export async function logInAsGuest(
  channel: ControlChannel,
  login: LoginOptions,
  guest: KeyPair,
): Promise<void> {
  const { crypto, options, sessionKey } = login;
  const { app, origin, name } = options;
  const nonce = await challenge(channel, login);
  const record = { origin, app, nonce, sessionKey: sessionKey.publicKey };
  const signature = crypto.ed25519Sign(guest.seed, loginBytes({ ...record, purpose: 'login' }));
  const params = {
    app,
    name,
    origin,
    publicKey: toBase64Url(guest.publicKey),
    signature: toBase64Url(signature),
    ...sessionProof(login, nonce),
  };
  // The id is made from the key, so the server cannot pass us off as somebody else.
  const player = guestPlayerId(crypto, app, guest.publicKey);
  const answer = open(channel, 'session.loginGuest', params, login, { player });
  login.handleSent();
  await answer;
}

export async function logInByToken(
  channel: ControlChannel,
  login: LoginOptions,
  token: string,
): Promise<void> {
  const { app, origin, name } = login.options;
  const nonce = await challenge(channel, login);
  const params = { app, name, origin, token, ...sessionProof(login, nonce) };
  const answer = open(channel, 'session.loginToken', params, login, {});
  login.handleSent();
  await answer;
}

/** Whom a resumed session must belong to. */
export interface ResumeTicket {
  readonly resumeToken: string;
  readonly player: string;
  /** Absent after a reload: then what the server says is taken, as at a login. */
  readonly caPublicKey?: Uint8Array;
}

export async function resume(
  channel: ControlChannel,
  login: LoginOptions,
  { resumeToken, ...expected }: ResumeTicket,
): Promise<void> {
  const { app, origin } = login.options;
  const nonce = await challenge(channel, login);
  const params = { app, origin, resumeToken, ...sessionProof(login, nonce) };
  await open(channel, 'session.resume', params, login, expected);
}

async function challenge(channel: ControlChannel, { options }: LoginOptions): Promise<Uint8Array> {
  return bytesOf(await channel.challenge(options.app, options.requestTimeoutMs));
}

function sessionProof(
  { crypto, options, sessionKey }: LoginOptions,
  nonce: Uint8Array,
): { sessionKey: string; sessionSignature: string } {
  const { app, origin } = options;
  const record = {
    purpose: 'session',
    origin,
    app,
    nonce,
    sessionKey: sessionKey.publicKey,
  } as const;
  return {
    sessionKey: toBase64Url(sessionKey.publicKey),
    sessionSignature: toBase64Url(crypto.ed25519Sign(sessionKey.seed, loginBytes(record))),
  };
}

type OpeningMethod = Extract<
  MethodName,
  'session.loginGuest' | 'session.loginToken' | 'session.resume'
>;

interface Expected {
  readonly player?: string;
  readonly caPublicKey?: Uint8Array;
}

function open<M extends OpeningMethod>(
  channel: ControlChannel,
  method: M,
  params: Params[M],
  { crypto, scheduler, options, sessionKey, accept }: LoginOptions,
  expected: Expected,
): Promise<void> {
  const sentAt = scheduler.now();
  return channel.call(method, params, {
    timeoutMs: options.requestTimeoutMs,
    accept: (result) => {
      const opened = checked(crypto, result, sessionKey.publicKey, expected);
      accept(opened, 'lobbies' in result ? result.lobbies : [], sentAt);
    },
  });
}

/**
 * The certificate must be for our own session key and for the player that the server says we are. Its
 * signature is for those who rely on it, each of whom verifies it: docs/adr/0004.
 */
function checked(
  crypto: Crypto,
  result: Results[OpeningMethod],
  sessionKey: Uint8Array,
  expected: Expected,
): OpenedSession {
  const { player, serverTimeMs } = result;
  const caPublicKey = bytesOf(result.caPublicKey);
  if (expected.player !== undefined && expected.player !== player) {
    throw new NetError('CERT_INVALID', 'the server says that we are another player');
  }
  if (expected.caPublicKey && !isSame(expected.caPublicKey, caPublicKey)) {
    throw new NetError('CERT_INVALID', 'the app has another CA than before');
  }
  const cert = readCertClaims(crypto, bytesOf(result.cert), {
    caPublicKey,
    nowSec: serverTimeMs / 1000, // our own clock may be wrong; who made it up made up the CA as well
    identity: `str:${player}`,
  });
  if (!isSame(cert.publicKey, sessionKey)) {
    throw new NetError('CERT_INVALID', 'the certificate is for another session key than ours');
  }
  const { name, resumeToken, seatHoldMs, stunUrls } = result;
  return { player, name, caPublicKey, resumeToken, seatHoldMs, serverTimeMs, stunUrls };
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64Url(text);
  if (!bytes) throw new NetError('SERVER_MESSAGE_INVALID', 'base64url does not decode');
  return bytes;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
