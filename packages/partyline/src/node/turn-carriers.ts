import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import {
  type TurnCarrier,
  type TurnCarrierFactory,
  type TurnCarrierHandlers,
  webSocketTurnCarriers,
} from '../turn/index.ts';
import { nodeSockets } from './sockets.ts';

/** Room for what arrives while JavaScript is busy (the system may allow less). */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** UDP, by a socket that hears the server alone. `localHost`: the interface it leaves by. */
export function udpTurnCarriers(options: { readonly localHost?: string } = {}): TurnCarrierFactory {
  const { localHost } = options;
  return {
    open: async ({ host, port }, handlers, signal) => {
      const address = await resolve(host, localHost);
      signal.throwIfAborted();
      const socket = createSocket({
        type: isIPv6(address) ? 'udp6' : 'udp4',
        recvBufferSize: RECEIVE_BUFFER_BYTES,
      });
      try {
        const bound = once(socket, 'listening', { signal });
        socket.bind(0, localHost);
        await bound;
        const connected = once(socket, 'connect', { signal });
        socket.connect(port, address);
        await connected;
      } catch (error) {
        socket.close();
        throw error;
      }
      const local = socket.address().address;
      let hasHeard = false;
      let isOpen = true;
      socket.on('message', (bytes) => {
        hasHeard = true;
        handlers.onBytes(plain(bytes));
      });
      socket.on('error', (error) => {
        // RFC 8489 §6.2.1: nobody is there. From one who was, it may be a restart, or forged.
        const isNobody = 'code' in error && error.code === 'ECONNREFUSED' && !hasHeard;
        if (!isNobody || !isOpen) return;
        isOpen = false;
        socket.close();
        handlers.onClosed(error.message);
      });
      return {
        kind: 'datagram',
        bufferedBytes: 0,
        // It sends from the address that it was connected from, for good, and hears of no error.
        isStale: () => !isOurs(local),
        send: (bytes) => {
          if (isOpen) socket.send(bytes, 0, bytes.length);
        },
        close: () => {
          if (isOpen) socket.close();
          isOpen = false;
        },
      };
    },
  };
}

/** Whether an interface of this machine has the address. */
function isOurs(host: string): boolean {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.some(({ address }) => address === host);
}

/** TCP. */
export function tcpTurnCarriers(options: { readonly localHost?: string } = {}): TurnCarrierFactory {
  const { localHost: localAddress } = options;
  return {
    open: ({ host, port }, handlers, signal) =>
      streamCarrier(
        connectTcp({ host, port, ...(localAddress !== undefined && { localAddress }) }),
        'connect',
        handlers,
        signal,
      ),
  };
}

/** TLS over TCP. The certificate has to be for the server's name, or its address. */
export function tlsTurnCarriers(
  options: Pick<ConnectionOptions, 'ca' | 'rejectUnauthorized'> = {},
): TurnCarrierFactory {
  return {
    open: ({ host, port, domain }, handlers, signal) => {
      const name = domain ?? host;
      const servername = isIP(name) ? {} : { servername: name };
      const socket = connectTls({ ...options, host, port, ...servername });
      return streamCarrier(socket, 'secureConnect', handlers, signal);
    },
  };
}

/** Our server's WebSocket. */
export function socketTurnCarriers(scheme: 'ws' | 'wss'): TurnCarrierFactory {
  return webSocketTurnCarriers(nodeSockets, scheme);
}

async function streamCarrier(
  socket: Socket,
  opened: 'connect' | 'secureConnect',
  handlers: TurnCarrierHandlers,
  signal: AbortSignal,
): Promise<TurnCarrier> {
  try {
    socket.setNoDelay(true);
    await once(socket, opened, { signal });
  } catch (error) {
    socket.on('error', () => {}); // it is given up: whatever else fails is nobody's concern
    socket.destroy();
    throw error;
  }
  let failure = 'closed by the server';
  let isOpen = true;
  let isCorked = false;
  socket.on('error', (error) => {
    failure = error.message;
  });
  socket.on('data', (bytes: Buffer) => {
    if (isOpen) handlers.onBytes(plain(bytes));
  });
  socket.once('end', () => socket.destroy());
  socket.once('close', () => {
    if (isOpen) handlers.onClosed(failure);
    isOpen = false;
  });
  return {
    kind: 'stream',
    get bufferedBytes() {
      return socket.writableLength;
    },
    send: (bytes) => {
      if (!isOpen) return;
      if (!isCorked) {
        // What is sent in one turn leaves in one system call.
        isCorked = true;
        socket.cork();
        process.nextTick(() => {
          isCorked = false;
          socket.uncork();
        });
      }
      socket.write(bytes);
    },
    close: () => {
      isOpen = false;
      socket.destroy();
    },
  };
}

/** An address of the family that we leave by. */
async function resolve(host: string, localHost: string | undefined): Promise<string> {
  if (isIP(host)) return host;
  const family = localHost === undefined ? 0 : isIPv6(localHost) ? 6 : 4;
  return (await lookup(host, { family })).address;
}

/** Not a Buffer, whose `slice` would be a view where the cores count on a copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
