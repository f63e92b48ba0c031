import type { Server, Socket } from 'node:net';
import type { Clock } from '../base/index.ts';

/** A connection that says nothing for so long has nothing to say. */
const SILENCE_MS = 10_000;
/** STUN's first byte is under 4 (RFC 8489 §5); HTTP's is a letter. A TURN client speaks first, and in STUN. */
const STUN_BYTES = 4;

/**
 * TURN on the port of an HTTP server: the first byte of a connection tells. Of an HTTPS server ask
 * twice: `connection` finds TURN without TLS, and `secureConnection` looks at the first byte that was
 * decrypted, so the one port that every firewall lets through is enough.
 * Gives what ends all connections, those too that have not spoken yet: browsers open some in advance,
 * and a server that closes would wait for them.
 */
export function sharePort(
  server: Server,
  clock: Clock,
  accept: (socket: Socket) => void,
  event: 'connection' | 'secureConnection' = 'connection',
): () => void {
  const open = new Set<Socket>();
  const listeners = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => {
    const destroy = (): void => void socket.destroy();
    const cancel = clock.after(SILENCE_MS, destroy);
    open.add(socket);
    socket.once('error', destroy);
    socket.once('close', () => {
      cancel();
      open.delete(socket);
    });
    socket.once('readable', () => {
      cancel();
      const chunk: Buffer | null = socket.read();
      socket.off('error', destroy);
      if (chunk) socket.unshift(chunk);
      if (chunk && (chunk[0] ?? 0xff) < STUN_BYTES) accept(socket);
      else for (const listener of listeners) listener.call(server, socket);
    });
  });
  return () => {
    for (const socket of open) socket.destroy();
  };
}
