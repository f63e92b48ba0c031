import { EventEmitter } from 'node:events';
import { encodeFrame, FrameType } from 'partyline/protocol/signaling';
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { ManualClock, type Outbox } from '../base/index.ts';
import { configSchema } from '../config/index.ts';
import type { Seat, SeatTable } from '../lobby/index.ts';
import { RELAY_CLOSE, RelayHub } from './index.ts';

const config = configSchema.parse({ apps: { arena: {} } });
const { relayBufferBytes, relayStallMs } = config.limits;

/** One end of a relay wire; what it cannot take stays in `bufferedBytes` until it is drained. */
class Wire extends EventEmitter {
  readonly received: number[] = [];
  bufferedBytes = 0;
  closeCode: number | undefined;
  #drained: (() => void)[] = [];

  pause(): void {}
  resume(): void {}
  close(code: number): void {
    this.closeCode ??= code;
  }
  send(frame: Uint8Array): boolean {
    this.received.push(frame.at(-1) ?? 0);
    return true;
  }
  onceDrained(callback: () => void): void {
    this.#drained.push(callback);
  }
  drain(): void {
    this.bufferedBytes = 0;
    for (const callback of this.#drained.splice(0)) callback();
  }
}

/** A hub, and two members of one lobby with a wire each. */
function hubOfTwo() {
  const clock = new ManualClock();
  const app = { id: 'arena' };
  const seatOf = (member: number): Seat =>
    // The hub looks at these three fields alone.
    ({ lobby: 'one', member, session: { app } }) as unknown as Seat;
  const seats = new Map([1, 2].map((member) => [member, seatOf(member)]));
  const table = { find: (_app: unknown, member: number) => seats.get(member) };
  // `find` is all the hub asks of the table.
  const hub = new RelayHub(config, clock, table as unknown as SeatTable);
  const attach = (member: number): Wire => {
    const wire = new Wire();
    const seat = seats.get(member) ?? seatOf(member);
    // It has the methods of both that the hub calls.
    hub.attach(seat, wire as unknown as WebSocket, wire as unknown as Outbox);
    return wire;
  };
  const send = (from: Wire, to: number, content: number): void => {
    const frame = encodeFrame(FrameType.RelayReliable, to, Uint8Array.of(content));
    from.emit('message', Buffer.from(frame));
  };
  return {
    clock,
    hub,
    attach,
    send,
    seat: (member: number) => seats.get(member) ?? seatOf(member),
  };
}

test('a receiver that others wait for too long is closed, and they go on', () => {
  const { clock, hub, attach, send } = hubOfTwo();
  const [from, slow] = [attach(1), attach(2)];
  slow.bufferedBytes = relayBufferBytes + 1;
  send(from, 2, 7);
  clock.advance(relayStallMs);
  expect(slow.closeCode).toBe(RELAY_CLOSE.tooSlow);
  expect(hub.stats).toMatchObject({ slowReceiversClosed: 1, absent: 1 });
});

test('one that drains in time gets what waited, and is not closed later', () => {
  const { clock, attach, send } = hubOfTwo();
  const [from, slow] = [attach(1), attach(2)];
  slow.bufferedBytes = relayBufferBytes + 1;
  send(from, 2, 7);
  clock.advance(relayStallMs - 1);
  slow.drain();
  clock.advance(relayStallMs);
  expect(slow.received).toEqual([7]);
  expect(slow.closeCode).toBeUndefined();
});

test('the wait for an old socket ends with it: its member’s new one gets what waited, and stays', () => {
  const { clock, hub, attach, send } = hubOfTwo();
  const [from, slow] = [attach(1), attach(2)];
  slow.bufferedBytes = relayBufferBytes + 1;
  send(from, 2, 7);
  const fresh = attach(2);
  expect(slow.closeCode).toBe(RELAY_CLOSE.replaced);
  expect(fresh.received).toEqual([7]);
  slow.emit('close');
  clock.advance(relayStallMs);
  send(from, 2, 8);
  expect(fresh.received).toEqual([7, 8]);
  expect(fresh.closeCode).toBeUndefined();
  expect(hub.stats.slowReceiversClosed).toBe(0);
});

test('who was told to go is not forwarded any more, though his socket is still open', () => {
  const { hub, attach, send, seat } = hubOfTwo();
  const [kicked, other] = [attach(1), attach(2)];
  hub.detach(seat(1));
  send(kicked, 2, 7);
  expect(kicked.closeCode).toBe(RELAY_CLOSE.left);
  expect(other.received).toEqual([]);
  expect(hub.stats.dismissed).toBe(1);
});
