import type { Socket, SocketFactory, SocketHandlers } from '../client/index.ts';
import { WebSocketClient } from './web-socket/index.ts';

/** A frame of the server, in bytes: a resume into eight full lobbies fits. */
export const MAX_FRAME_BYTES: number = 8 * 1024 * 1024;

/** WebSockets on `node:net` and `node:tls`: Node 20 has none of its own. */
export const nodeSockets: SocketFactory = Object.freeze({
  open: (url: string, protocols: readonly string[], handlers: SocketHandlers): Socket =>
    new WebSocketClient({ url: new URL(url), protocols, maxBytes: MAX_FRAME_BYTES }, handlers),
});
