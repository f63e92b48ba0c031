import { fromBase64Url, toBase64Url } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import type { ResolvedConnectOptions } from './connect-options.ts';
import { type KeyPair, keyPairOf, newKeyPair } from './login.ts';

/** The way back into a session: what a reloaded page needs to keep its seats. */
export interface SessionRecord {
  readonly player: string;
  readonly resumeToken: string;
  readonly sessionKey: KeyPair;
}

/** Of the machine, one for each name in `as`. */
export async function loadGuestKey(
  crypto: Crypto,
  { keyStore, app, as }: ResolvedConnectOptions,
): Promise<KeyPair> {
  if (!keyStore) return newKeyPair(crypto);
  const name = `${app}/guest/${as}`;
  const seed = seedOf(await keyStore.load(name));
  if (seed) return keyPairOf(crypto, seed);
  const made = newKeyPair(crypto);
  await keyStore.save(name, toBase64Url(made.seed));
  return made;
}

/** `undefined` when there is none, or none that belongs to this server. */
export async function loadSessionRecord(
  crypto: Crypto,
  options: ResolvedConnectOptions,
): Promise<SessionRecord | undefined> {
  const text = await options.sessionStore?.load(recordName(options));
  const [origin, player, resumeToken, seedText] = text?.split(' ') ?? [];
  const seed = seedOf(seedText);
  if (origin !== options.origin || !player || !resumeToken || !seed) return undefined;
  return { player, resumeToken, sessionKey: keyPairOf(crypto, seed) };
}

/** Synchronous as far as the store is: the old token is spent by now. */
export function saveSessionRecord(
  options: ResolvedConnectOptions,
  record: SessionRecord | undefined,
): void {
  const { sessionStore } = options;
  if (!sessionStore) return;
  const text =
    record &&
    [options.origin, record.player, record.resumeToken, toBase64Url(record.sessionKey.seed)].join(
      ' ',
    );
  const warn = (err: unknown): void =>
    options.logger.warn({ err }, 'the way back into the session could not be stored');
  try {
    Promise.resolve(sessionStore.save(recordName(options), text)).catch(warn);
  } catch (err) {
    warn(err);
  }
}

function recordName({ app, as }: ResolvedConnectOptions): string {
  return `${app}/session/${as}`;
}

function seedOf(text: string | undefined): Uint8Array | undefined {
  const seed = text === undefined ? undefined : fromBase64Url(text);
  return seed?.length === 32 ? seed : undefined;
}
