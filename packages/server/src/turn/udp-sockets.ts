import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Room for bursts while this program is busy; the system may give less. */
const RECEIVE_BUFFER_BYTES = 4_194_304;

export type ReceiveDatagram = (bytes: Uint8Array, from: RemoteInfo) => void;

/** What happens to a socket: `opened` or `failed` first, and that may be before {@link bindUdp} returns. */
export interface UdpUser {
  opened(socket: Socket): void;
  /** With the system's error, for example `EADDRINUSE`; the socket is closed. */
  failed(error: Error): void;
  received: ReceiveDatagram;
  /** Of an open socket, which stays open. */
  onError(error: Error): void;
}

// One object for all sockets: a relay has thousands.
const udp4: SocketOptions = {
  type: 'udp4',
  // Addresses are all we send to: the resolver would put each packet off to the next tick.
  lookup: (address, _options, callback) => callback(null, address, 4),
};
const udp6: SocketOptions = {
  type: 'udp6',
  ipv6Only: true, // with IPv4 it is EINVAL
  lookup: (address, _options, callback) => callback(null, address, 6),
};

/** Opens a UDP socket; ports are never shared with another one. */
export function bindUdp(host: string, port: number, user: UdpUser): void {
  const socket = createSocket(isIPv6(host) ? udp6 : udp4);
  let isOpen = false;
  socket.on('message', (bytes, from) => {
    // RFC 768: port 0 stands for «no answer wanted»; Node throws when it is sent to.
    if (from.port !== 0) user.received(bytes, from);
  });
  socket.on('listening', () => {
    isOpen = true;
    user.opened(socket);
  });
  socket.on('error', (error) => {
    if (isOpen) user.onError(error);
    else {
      socket.close();
      user.failed(error);
    }
  });
  socket.bind({ port, address: host, exclusive: true });
}

/** {@link bindUdp} for those who wait. Rejects with the system's error. */
export function openUdp(
  host: string,
  port: number,
  received: ReceiveDatagram,
  onError: (error: Error) => void,
): Promise<Socket> {
  return new Promise((opened, failed) =>
    bindUdp(host, port, { opened, failed, received, onError }),
  );
}

/** Whether the bytes, or others before them, still wait in the socket: the system's buffer was full. */
export function sendUdp(socket: Socket, bytes: Uint8Array, port: number, host: string): boolean {
  socket.send(bytes, port, host);
  return socket.getSendQueueCount() > 0;
}

/** For sockets that hear from many; a relayed address hears from few. */
export function widen(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // Not allowed to have that much: what the system gives by default will do.
  }
}
