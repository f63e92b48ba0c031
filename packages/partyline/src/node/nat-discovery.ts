import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { NetError } from '../base/index.ts';
import {
  type BehaviorSockets,
  discoverNatBehavior,
  type NatBehavior,
  type StunTransactionOptions,
} from '../stun/index.ts';
import { nodeCrypto } from './crypto.ts';
import { nodeScheduler } from './scheduler.ts';

export interface DiscoverNatOptions {
  /** A server that speaks RFC 5780, as `partyline relay --discovery-address`. */
  readonly host: string;
  /** Its first port. Default 3479. */
  readonly port?: number;
  /** The interface to ask from. Default: the system's choice. */
  readonly localHost?: string;
  /** How long each test waits: silence is an answer too. Default 3 s. */
  readonly timing?: StunTransactionOptions;
}

const DEFAULT_PORT = 3479;

/**
 * How the NAT in front of this machine maps and filters, by UDP. As `discoverNatBehavior`.
 * @throws NetError `STUN_TIMEOUT`, or `UDP_SOCKET` with the system's error as cause
 */
export async function discoverNat(options: DiscoverNatOptions): Promise<NatBehavior> {
  const { host, port = DEFAULT_PORT, localHost, timing } = options;
  const address = isIP(host) ? host : await resolve(host);
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return await discoverNatBehavior({
    server: { host: address, port },
    sockets: udpSockets(isIPv6(address), localHost),
    ownHosts: own.map((entry) => entry.address),
    crypto: nodeCrypto,
    scheduler: nodeScheduler,
    ...(timing && { timing }),
  });
}

function udpSockets(isV6: boolean, localHost: string | undefined): BehaviorSockets {
  return {
    open: async (onDatagram) => {
      const socket = createSocket(isV6 ? 'udp6' : 'udp4');
      try {
        const bound = once(socket, 'listening');
        socket.bind(0, localHost);
        await bound;
      } catch (cause) {
        socket.close();
        throw new NetError('UDP_SOCKET', 'cannot open a socket', { cause });
      }
      let isOpen = true;
      socket.on('error', () => {}); // unreachable places are what we want to hear of, by silence
      socket.on('message', (bytes, { address, port }) => {
        const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
        onDatagram(plain, { host: address, port });
      });
      return {
        send: (to, bytes) => {
          if (isOpen) socket.send(bytes, to.port, to.host);
        },
        close: () => {
          if (isOpen) socket.close();
          isOpen = false;
        },
      };
    },
  };
}

/** @throws NetError `UDP_SOCKET` with the resolver's error as cause */
async function resolve(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new NetError('UDP_SOCKET', `no address for ${host}`, { cause });
  }
}
