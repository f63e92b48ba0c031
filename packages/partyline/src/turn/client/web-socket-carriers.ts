import { TURN_SUBPROTOCOL, TURN_WEB_SOCKET_PATH } from '../web-socket.ts';
import type { TurnCarrier, TurnCarrierFactory, TurnServerAddress } from './carrier.ts';

/** A WebSocket as this needs it; what both shells have for the session fits. */
export interface TurnWebSocket {
  readonly bufferedAmount: number;
  send(frame: Uint8Array): void;
  close(): void;
}

/** The machine's WebSockets. Never calls a handler from inside `open`, `send` or `close`. */
export interface TurnWebSockets {
  open(
    url: string,
    protocols: readonly string[],
    handlers: {
      onOpen(protocol: string): void;
      onText(text: string): void;
      onBinary(bytes: Uint8Array): void;
      onClosed(reason: string): void;
    },
  ): TurnWebSocket;
}

/** TURN over our server's WebSocket, where nothing but HTTPS gets through: docs/wire/turn.md. */
export function webSocketTurnCarriers(
  sockets: TurnWebSockets,
  scheme: 'ws' | 'wss',
): TurnCarrierFactory {
  return {
    open: (server, handlers, signal) =>
      new Promise<TurnCarrier>((resolve, reject) => {
        signal.throwIfAborted();
        let isOpen = false;
        const close = (): void => {
          signal.removeEventListener('abort', abort);
          isOpen = false;
          socket.close();
        };
        const abort = (): void => {
          close();
          reject(signal.reason);
        };
        const socket = sockets.open(urlOf(scheme, server), [TURN_SUBPROTOCOL], {
          onOpen: () => {
            if (signal.aborted) return;
            signal.removeEventListener('abort', abort);
            isOpen = true;
            resolve(carrierOf(socket, close));
          },
          onText: () => {}, // not TURN: nothing waits for it
          onBinary: (bytes) => {
            if (isOpen) handlers.onBytes(bytes);
          },
          onClosed: (reason) => {
            signal.removeEventListener('abort', abort);
            if (isOpen) handlers.onClosed(reason);
            else reject(new Error(reason));
            isOpen = false;
          },
        });
        signal.addEventListener('abort', abort, { once: true });
      }),
  };
}

function carrierOf(socket: TurnWebSocket, close: () => void): TurnCarrier {
  return {
    kind: 'message',
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (bytes) => socket.send(bytes),
    close,
  };
}

/** A WebSocket's certificate is checked against the URL, so after a redirect that names the domain. */
function urlOf(scheme: 'ws' | 'wss', { host, port, domain }: TurnServerAddress): string {
  const name = domain ?? host;
  const printed = name.includes(':') ? `[${name}]` : name;
  return `${scheme}://${printed}:${port}${TURN_WEB_SOCKET_PATH}`;
}
