import { isIPv6 } from 'node:net';
import { openTurn } from 'partyline/node';
import type { RestCredential } from 'partyline/protocol/turn';
import type { RelayAddress } from 'partyline/protocol/turn-server';
import { type ListenAddress, printHost } from '../config/index.ts';
import { ownHosts } from './relay-settings.ts';

type Carrier = 'UDP' | 'TCP' | 'TLS';

/** Where a client could knock. */
export interface Knock {
  readonly carrier: Carrier;
  readonly host: string;
  readonly port: number;
  /** Beyond a NAT: that it does not answer from here proves nothing. */
  readonly isOutside: boolean;
}

/** Makes an allocation as a player would, and ends it; rejects when it cannot. */
export type TryAllocate = (knock: Knock, signal: AbortSignal) => Promise<void>;

/** Long for a machine that asks itself, short for an operator who waits. */
const TIMEOUT_MS = 3000;

/**
 * Every way by which this machine itself can reach its relay: each of its addresses that is listened
 * on, and the public one where that is another.
 */
export function knocks(options: {
  readonly udp: readonly ListenAddress[];
  readonly tcp: readonly ListenAddress[];
  readonly hasTls: boolean;
  readonly relays: readonly RelayAddress[];
  /** Default: this machine's. */
  readonly own?: readonly string[];
}): Knock[] {
  const own = options.own ?? ['127.0.0.1', '::1', ...ownHosts()];
  const publicHosts = options.relays.filter(({ host, bindHost }) => host !== bindHost);
  const at = (carrier: Carrier, listen: readonly ListenAddress[]): Knock[] =>
    listen.flatMap(({ host, port }) => [
      ...reached(host, own).map((local) => ({ carrier, host: local, port, isOutside: false })),
      ...publicHosts
        .filter((relay) => isIPv6(relay.host) === isIPv6(host))
        .map((relay) => ({ carrier, host: relay.host, port, isOutside: true })),
    ]);
  return [
    ...at('UDP', options.udp),
    ...at('TCP', options.tcp),
    ...(options.hasTls ? at('TLS', options.tcp) : []),
  ];
}

/** Tries every way, one after the other, and says in words what came of it; nothing once it is aborted. */
export async function selfTest(
  all: readonly Knock[],
  attempt: TryAllocate,
  signal: AbortSignal,
): Promise<string[]> {
  const good = new Map<string, Carrier[]>();
  const bad: string[] = [];
  for (const knock of all) {
    const where = `${printHost(knock.host)}:${knock.port}`;
    try {
      await attempt(knock, signal);
      good.set(where, [...(good.get(where) ?? []), knock.carrier]);
    } catch (error) {
      if (signal.aborted) return [];
      bad.push(explain(knock, where, error instanceof Error ? error.message : String(error)));
    }
  }
  const lines = [...good].map(
    ([where, carriers]) => `${where} gives allocations by ${carriers.join(', ')}, asked from here`,
  );
  return [...lines, ...bad, 'whether firewalls let others in cannot be seen from here'];
}

/** With a credential of this relay; of a family that it relays. */
export function allocateOnce(
  credential: RestCredential,
  relays: readonly RelayAddress[],
): TryAllocate {
  const hasIpv4 = relays.some(({ host }) => !isIPv6(host));
  return async ({ carrier, host, port }, signal) => {
    const scheme = carrier === 'TLS' ? 'turns' : 'turn';
    const transport = carrier === 'UDP' ? 'udp' : 'tcp';
    const allocation = await openTurn({
      url: `${scheme}:${printHost(host)}:${port}?transport=${transport}`,
      credential,
      timeoutMs: TIMEOUT_MS,
      signal,
      families: hasIpv4 ? 'ipv4' : 'ipv6',
      tls: { rejectUnauthorized: false }, // it is asked for by address, which certificates seldom name
      handlers: { onReceive: () => {}, onEnded: () => {} },
    });
    await allocation.close();
  };
}

function reached(host: string, own: readonly string[]): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host];
  // Link-local addresses need a zone, which no player has.
  return own.filter((address) => isIPv6(address) === isIPv6(host) && !/^fe[89ab]/i.test(address));
}

function explain({ carrier, host, port, isOutside }: Knock, where: string, reason: string): string {
  if (!isOutside) return `${where} gives no allocation by ${carrier}: ${reason}`;
  return (
    `${where} does not answer by ${carrier} from here, which is usual when the NAT before us does not hairpin; ` +
    `ask from outside: turnutils_stunclient -p ${port} ${host}`
  );
}
