import type { Scheduler } from '../../../packages/partyline/src/base/index.ts';
import type {
  SocketFactory,
  SocketHandlers,
} from '../../../packages/partyline/src/client/index.ts';
import { RELAY_SUBPROTOCOL } from '../../../packages/partyline/src/peers/relay-line.ts';
import { decodeFrame, encodeFrame } from '../../../packages/partyline/src/signaling/index.ts';

/** One relay frame on its way. */
export interface Passing {
  readonly from: number;
  readonly to: number;
  readonly type: number;
  readonly payload: Uint8Array;
}

/** The relay half of a server, which may also be hostile: sees and changes whatever passes. */
export class FakeRelay {
  readonly seen: Passing[] = [];
  readonly urls: string[] = [];
  /** What becomes of a frame; `[]` drops it. */
  tamper: (frame: Passing) => readonly Passing[] = (frame) => [frame];
  buffered = 0;
  readonly #clock: Scheduler;
  readonly #members = new Map<number, SocketHandlers>();

  constructor(clock: Scheduler) {
    this.#clock = clock;
  }

  /** Nothing of its sockets arrives any more, and nobody is told. */
  silence(member: number): void {
    this.#members.delete(member);
  }

  socketsOf(member: number, isAlive: () => boolean = () => true): SocketFactory {
    return {
      open: (url, protocols, handlers) => {
        this.urls.push(`${url} ${protocols.join(' ')}`);
        this.#clock.after(5, () => {
          if (!isAlive()) return;
          this.#members.set(member, handlers);
          handlers.onOpen(RELAY_SUBPROTOCOL);
        });
        const relay = this;
        return {
          get bufferedAmount(): number {
            return relay.buffered;
          },
          send: (frame) => {
            if (typeof frame !== 'string') this.#pass(member, handlers, frame);
          },
          close: () => {
            if (this.#members.get(member) === handlers) this.cut(member, 'closed');
          },
        };
      },
    };
  }

  cut(member: number, reason = 'cut'): void {
    const handlers = this.#members.get(member);
    this.#members.delete(member);
    if (handlers) this.#clock.soon(() => handlers.onClosed(reason));
  }

  inject({ from, to, type, payload }: Passing): void {
    const frame = encodeFrame(type as 2, from, payload); // a relay type, as seen or forged
    this.#members.get(to)?.onBinary(frame);
  }

  #pass(from: number, handlers: SocketHandlers, bytes: Uint8Array): void {
    if (this.#members.get(from) !== handlers) return;
    const { type, member: to, payload } = decodeFrame(bytes);
    const frame = { from, to, type, payload: payload.slice() };
    this.seen.push(frame);
    for (const changed of this.tamper(frame)) this.#clock.after(5, () => this.inject(changed));
  }
}
