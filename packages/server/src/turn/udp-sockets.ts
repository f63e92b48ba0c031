import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Room for bursts while this program is busy; the system may give less. */
const RECEIVE_BUFFER_BYTES = 4_194_304;

export type ReceiveDatagram = (bytes: Uint8Array, from: RemoteInfo) => void;

/**
 * A bound UDP socket. Rejects with the system's error, for example `EADDRINUSE`.
 * Ports are never shared with another socket.
 */
export function openUdp(
  host: string,
  port: number,
  receive: ReceiveDatagram,
  onError: (error: Error) => void,
): Promise<Socket> {
  const family = isIPv6(host) ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6, // with IPv4 it is EINVAL
    // Addresses are all we send to: the resolver would put each packet off to the next tick.
    lookup: (address, _options, callback) => callback(null, address, family),
  });
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.on('message', (bytes, from) => {
      // RFC 768: port 0 stands for «no answer wanted»; Node throws when it is sent to.
      if (from.port !== 0) receive(bytes, from);
    });
    socket.bind({ port, address: host, exclusive: true }, () => {
      socket.off('error', fail);
      socket.on('error', onError);
      resolve(socket);
    });
  });
}

/** For sockets that hear from many; a relayed address hears from few. */
export function widen(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // Not allowed to have that much: what the system gives by default will do.
  }
}
