import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { P2pAir, type P2pAirOptions, type P2pHost } from '../../../test/p2p-rig.ts';
import { DecodeError, isNetError } from '../../base/index.ts';
import { SendFlag } from '../../snp/index.ts';
import { decodeSessionMessage, encodeSessionMessage } from './message-session.ts';
import { MessageSessions, SESSION_IDLE_MS, type SessionsEvent } from './message-sessions.ts';

class Talker {
  readonly host: P2pHost;
  readonly sessions: MessageSessions;
  readonly events: SessionsEvent[] = [];

  constructor(host: P2pHost) {
    host.accepts = false;
    this.host = host;
    this.sessions = new MessageSessions(host.endpoint);
  }

  say(to: string, text: string, channel = 0, restart = false): void {
    this.sessions.send(this.host.now, to, Buffer.from(text), { channel, restart });
    this.host.turn();
  }

  hear(channel = 0): string[] {
    const heard: string[] = [];
    const next = (): ReturnType<MessageSessions['receive']> =>
      this.sessions.receive(this.host.now, channel);
    for (let m = next(); m !== undefined; m = next()) {
      heard.push(`${m.from} ${Buffer.from(m.bytes).toString()}`);
    }
    return heard;
  }

  /** What a shell does after each turn. */
  step(): void {
    for (const event of this.host.events.splice(0)) {
      this.sessions.handleEvent(this.host.now, event);
    }
    this.sessions.handleTimeout(this.host.now);
    for (let e = this.sessions.pollEvent(); e !== undefined; e = this.sessions.pollEvent()) {
      this.events.push(e);
    }
    this.host.turn();
  }
}

function two(options: P2pAirOptions = {}): { air: P2pAir; a: Talker; b: Talker; run: Run } {
  const air = new P2pAir(options);
  const [a, b] = [new Talker(air.host('str:a')), new Talker(air.host('str:b'))];
  const run: Run = (ms, stepMs = 10) => {
    for (let spent = 0; spent < ms; spent += stepMs) {
      air.clock.advance(stepMs);
      a.step();
      b.step();
    }
  };
  return { air, a, b, run };
}

type Run = (ms: number, stepMs?: number) => void;

describe('sessions', () => {
  test('a message calls the peer; who accepts gets it, by channel', () => {
    const { a, b, run } = two();
    a.say('str:b', 'hello', 3);
    a.say('str:b', 'there', -1);
    run(100);
    expect(b.events).toEqual([{ type: 'sessionRequest', identity: 'str:a' }]);
    expect(b.hear(3)).toEqual([]);
    expect(b.sessions.accept(b.host.now, 'str:a')).toBe(true);
    run(700);
    expect(b.events).toContainEqual({ type: 'messages', identity: 'str:a' });
    expect([b.hear(3), b.hear(-1), b.hear(0)]).toEqual([['str:a hello'], ['str:a there'], []]);
    b.say('str:a', 'and you');
    run(100);
    expect(a.hear()).toEqual(['str:b and you']);
  });

  test('answering accepts', () => {
    const { a, b, run } = two();
    a.say('str:b', 'hello');
    run(100);
    b.say('str:a', 'yes?');
    run(700);
    expect([a.hear(), b.hear()]).toEqual([['str:b yes?'], ['str:a hello']]);
  });

  test('two that write to each other at once share one connection, with bad signaling too', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { a, b, run } = two({ seed, loss: 30, duplicates: 50, delayMs: 100 });
        a.say('str:b', 'from a');
        b.say('str:a', 'from b');
        run(8000, 20);
        expect([a.hear(), b.hear()]).toEqual([['str:b from b'], ['str:a from a']]);
        const counts = [a, b].map(({ host }) => host.endpoint.connectionCount);
        expect(counts).toEqual([1, 1]);
      }),
      { numRuns: 10 },
    );
  });

  test('what is unreliable is sent reliably until the connection stands', () => {
    const { a, b, run } = two();
    a.sessions.send(a.host.now, 'str:b', Buffer.from('x'), { flags: SendFlag.Unreliable });
    a.host.turn();
    run(100);
    b.sessions.accept(b.host.now, 'str:a');
    run(700);
    expect(b.sessions.receive(b.host.now)).toMatchObject({ isReliable: true });
    a.sessions.send(a.host.now, 'str:b', Buffer.from('y'), { flags: SendFlag.Unreliable });
    a.host.turn();
    run(100);
    expect(b.sessions.receive(b.host.now)).toMatchObject({ isReliable: false });
  });

  test('a peer that never answers: failed, and sending is refused until it is restarted', () => {
    const { a, run } = two();
    a.say('str:nobody', 'hello?');
    run(10_100, 100);
    expect(a.events).toMatchObject([{ type: 'sessionFailed', reason: 5003 }]);
    expect(a.sessions.stateOf('str:nobody')).toMatchObject({ endReason: 5003 });
    let refused: unknown;
    try {
      a.say('str:nobody', 'hello?');
    } catch (error) {
      refused = error;
    }
    expect(isNetError(refused, 'GNS_CLOSED')).toBe(true);
    a.say('str:nobody', 'again', 0, true);
    expect(a.sessions.stateOf('str:nobody').state).toBe('connecting');
  });

  test('a closed session begins anew with the next message', () => {
    const { a, b, run } = two();
    const talk = (): void => {
      a.say('str:b', 'hello');
      run(100);
      b.sessions.accept(b.host.now, 'str:a');
      run(700);
      expect(b.hear()).toEqual(['str:a hello']);
    };
    talk();
    expect(a.sessions.close(a.host.now, 'str:b')).toBe(true);
    a.host.turn();
    run(500);
    expect(b.sessions.stateOf('str:a').state).toBe('none');
    expect(b.events.some(({ type }) => type === 'sessionFailed')).toBe(false);
    talk();
    expect(a.sessions.close(a.host.now, 'str:b')).toBe(true);
    expect(a.sessions.close(a.host.now, 'str:b')).toBe(false);
  });

  test('three minutes without a message end the connection', () => {
    const { a, b, run } = two();
    a.say('str:b', 'hello');
    run(100);
    b.sessions.accept(b.host.now, 'str:a');
    run(700);
    b.hear();
    const { connection } = b.sessions.stateOf('str:a');
    run(SESSION_IDLE_MS - 2000, 500);
    expect(connection?.state).toBe('connected');
    run(3000, 500);
    expect(connection?.endReason).toBe(1002);
    expect([a.sessions.identities, b.sessions.identities]).toEqual([[], []]);
  });

  test('closing the last channel ends the session, and what waits on it is forgotten', () => {
    const { a, b, run } = two();
    a.say('str:b', 'one', 1);
    a.say('str:b', 'two', 2);
    run(100);
    b.sessions.accept(b.host.now, 'str:a');
    run(700);
    expect(b.sessions.closeChannel(b.host.now, 'str:a', 7)).toBe(false);
    expect(b.sessions.closeChannel(b.host.now, 'str:a', 1)).toBe(true);
    expect([b.hear(1), b.hear(2)]).toEqual([[], ['str:a two']]);
    expect(b.sessions.closeChannel(b.host.now, 'str:a', 2)).toBe(true);
    expect(b.sessions.identities).toEqual([]);
  });

  test('who does not take its messages slows the sender down, and loses nothing', () => {
    const { a, b, run } = two();
    a.say('str:b', 'hello');
    run(100);
    b.sessions.accept(b.host.now, 'str:a');
    run(700);
    const big = new Uint8Array(200_000);
    let accepted = 1;
    for (let i = 0; i < 40; i++) {
      if (a.sessions.send(a.host.now, 'str:b', big) > 0) accepted += 1;
      a.host.turn();
      run(400, 20);
    }
    expect(accepted).toBeLessThan(41);
    let received = 0;
    for (let i = 0; i < 60; i++) {
      received += b.hear().length;
      run(200, 20);
    }
    expect(received).toBe(accepted);
  });
});

test('the header is one byte and a channel, little endian', () => {
  const message = encodeSessionMessage(-2, Uint8Array.of(9));
  expect([...message]).toEqual([1, 0xfe, 0xff, 0xff, 0xff, 9]);
  expect(decodeSessionMessage(message)).toEqual({ channel: -2, bytes: Uint8Array.of(9) });
  expect(() => decodeSessionMessage(Uint8Array.of(1, 0, 0))).toThrow(DecodeError);
  expect(() => decodeSessionMessage(Uint8Array.of(0, 0, 0, 0, 0))).toThrow(DecodeError);
});
