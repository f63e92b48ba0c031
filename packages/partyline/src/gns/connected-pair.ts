import type { Millis } from '../base/index.ts';
import { GnsConfig } from './config.ts';
import { GnsConnection } from './connection.ts';
import { drawConnectionId } from './connection-id.ts';
import { checkRemote, type GnsCrypto, type LocalIdentity } from './handshake.ts';
import type { GnsOptions } from './options.ts';

export interface PairSetup {
  readonly crypto: GnsCrypto;
  readonly locals: readonly [LocalIdentity, LocalIdentity];
  /** The wider scope of both ends. */
  readonly config: GnsConfig;
  /** Wall clock at time 0 of the caller's monotonic one, in ms since 1970. */
  readonly epochMs: number;
}

/** Nobody listens in inside one program, and nothing is slower than memory. */
const insideOneProgram: GnsOptions = Object.freeze({
  unencrypted: 3,
  sendRateMinBytesPerSecond: 2 ** 28,
  sendRateMaxBytesPerSecond: 2 ** 28,
  nagleMs: 0,
});

/**
 * Two ends of one connection that need no network to meet: GNS's CreateSocketPair without
 * loopback. Who has both hands the datagrams of each to the other.
 */
export function connectedPair(now: Millis, setup: PairSetup): [GnsConnection, GnsConnection] {
  const { crypto, locals, epochMs } = setup;
  const end = (role: 'client' | 'server', local: LocalIdentity): GnsConnection => {
    const config = new GnsConfig({ parent: setup.config, hasSocket: false }, insideOneProgram);
    const id = drawConnectionId(crypto.randomBytes);
    return new GnsConnection(now, { crypto, local, config, role, id });
  };
  const client = end('client', locals[0]);
  const server = end('server', locals[1]);
  const checks = {
    options: { ...setup.config.values, allowWithoutAuth: 2 as const }, // we know who we are
    nowSec: Math.floor((epochMs + now) / 1000),
    addressIdentity: () => locals[0].identity,
    isLoopback: true,
  };
  server.introduce(client.id, checkRemote(crypto, client.offer(), checks));
  server.accept(now);
  if (server.answer === undefined) throw new Error('a pair that does not take itself');
  const answer = checkRemote(crypto, server.answer, {
    ...checks,
    addressIdentity: () => locals[1].identity,
  });
  client.complete(now, server.id, answer);
  return [client, server];
}
