import type { WebSocket } from 'ws';
import type { Clock, Outbox } from '../base/index.ts';
import {
  KNOCK_MS,
  MAX_UNSENT_BYTES,
  plainHost,
  type StreamClient,
  type StreamUser,
} from './stream-user.ts';

/** A TURN client speaks binary: RFC 6455 §7.4.1, «unsupported data». */
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_UNUSED = 1000;

/** Where a client comes from, as far as the proxies tell. */
export interface ClientAddress {
  readonly host: string;
  readonly port: number;
}

/** TURN over WebSockets: one binary frame is one STUN message or one ChannelData message. */
export class WebSocketClients<Client> {
  readonly #user: StreamUser<Client>;
  readonly #clock: Clock;
  readonly #open = new Set<WebSocket>();

  constructor(user: StreamUser<Client>, clock: Clock) {
    this.#user = user;
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** An open WebSocket, whose frames are no longer than `MAX_TURN_FRAME_BYTES`. */
  accept(ws: WebSocket, outbox: Outbox, { host, port }: ClientAddress): void {
    this.#open.add(ws);
    const writer = new WebSocketWriter(ws, outbox, plainHost(host), port);
    const client = this.#user.opened(writer, 'messages');
    const user = this.#user;
    // Pings keep a WebSocket alive for ever, so an allocation that ended is looked for again and again.
    const look = (): void => {
      if (user.isInUse(client)) cancel = this.#clock.after(KNOCK_MS, look);
      else ws.close(CLOSE_UNUSED, 'no allocation');
    };
    let cancel = this.#clock.after(KNOCK_MS, look);
    ws.on('message', (frame: Buffer, isBinary: boolean) => {
      const bytes = new Uint8Array(frame.buffer, frame.byteOffset, frame.length);
      if (isBinary) user.received(client, bytes);
      else ws.close(CLOSE_UNSUPPORTED, 'binary frames only: docs/wire/turn.md');
    });
    ws.once('close', () => {
      cancel();
      this.#open.delete(ws);
      user.closed(client);
    });
  }
}

class WebSocketWriter implements StreamClient {
  readonly host: string;
  readonly port: number;
  readonly #ws: WebSocket;
  readonly #outbox: Outbox;

  constructor(ws: WebSocket, outbox: Outbox, host: string, port: number) {
    this.#ws = ws;
    this.#outbox = outbox;
    this.host = host;
    this.port = port;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#outbox.bufferedBytes > MAX_UNSENT_BYTES) return false;
    return this.#outbox.send(bytes, true);
  }

  close(): void {
    this.#ws.terminate();
  }
}
