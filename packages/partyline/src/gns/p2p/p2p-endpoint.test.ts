import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { P2pAir, type P2pAirOptions, type P2pHost } from '../../../test/p2p-rig.ts';
import { isNetError } from '../../base/index.ts';
import { SendFlag } from '../../snp/index.ts';
import {
  decodeRendezvous,
  encodeRendezvous,
  type GnsConnection,
  type P2pConnectOptions,
} from '../index.ts';

interface Pair {
  readonly air: P2pAir;
  readonly a: P2pHost;
  readonly b: P2pHost;
  /** a's connection to b. */
  readonly connection: GnsConnection;
}

function dial(options: P2pAirOptions = {}, connect: P2pConnectOptions = {}): Pair {
  const air = new P2pAir(options);
  const a = air.host('str:a');
  const b = air.host('str:b');
  b.endpoint.listen(7);
  const connection = a.endpoint.connect(a.now, 'str:b', 7, connect);
  a.turn();
  return { air, a, b, connection };
}

const isConnected = ({ connection, b }: Pair): boolean =>
  connection.state === 'connected' && b.incoming[0]?.state === 'connected';

function say(host: P2pHost, connection: GnsConnection, text: string): void {
  connection.snp.send(host.now, Buffer.from(text), SendFlag.Reliable | SendFlag.NoNagle);
  host.endpoint.touch(host.now, connection);
  host.turn();
}

const hear = (host: P2pHost, connection: GnsConnection | undefined): string | undefined => {
  const message = connection?.receive(host.now);
  return message === undefined ? undefined : Buffer.from(message.bytes).toString();
};

describe('connecting', () => {
  test('both know each other, and messages pass both ways', () => {
    const pair = dial();
    expect(pair.air.runUntil(() => isConnected(pair), 60)).toBe(true);
    const { air, a, b, connection } = pair;
    const [incoming] = b.incoming;
    expect(connection).toMatchObject({
      remoteIdentity: 'str:b',
      role: 'client',
      isEncrypted: true,
    });
    expect(incoming).toMatchObject({ remoteIdentity: 'str:a', role: 'server' });
    say(a, connection, 'ping');
    air.clock.advance(20);
    expect(hear(b, incoming)).toBe('ping');
    say(b, incoming as GnsConnection, 'pong');
    air.clock.advance(20);
    expect(hear(a, connection)).toBe('pong');
  });

  test('the accepting side controls ICE and shows nothing of itself before it accepts', () => {
    const pair = dial();
    pair.b.accepts = false;
    pair.air.clock.advance(2000);
    expect(pair.air.agents.map(({ role }) => role)).toEqual(['controlled']);
    expect(pair.air.signals.every(({ from }) => from === 'str:a')).toBe(true);
    pair.b.endpoint.accept(pair.b.now, pair.b.incoming[0] as GnsConnection);
    pair.b.turn();
    expect(pair.air.runUntil(() => isConnected(pair), 600)).toBe(true);
    expect(pair.air.agents.map(({ role }) => role)).toEqual(['controlled', 'controlling']);
  });

  test('with 30 % of the signals lost and 50 % doubled, in any order', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const pair = dial({ seed, loss: 30, duplicates: 50, delayMs: 300 });
        expect(pair.air.runUntil(() => isConnected(pair), 10_000)).toBe(true);
        expect(pair.b.incoming).toHaveLength(1);
      }),
      { numRuns: 25 }, // each is two signatures and two key agreements
    );
  });

  test('once connected, signals end', () => {
    const pair = dial({ loss: 30, duplicates: 50, delayMs: 300, seed: 5 });
    pair.air.runUntil(() => isConnected(pair));
    pair.air.clock.advance(5000);
    const before = pair.air.signals.length;
    pair.air.clock.advance(60_000);
    expect(pair.air.signals.length).toBe(before);
    expect(isConnected(pair)).toBe(true);
  });

  test('a peer that is not there is asked every 500 ms, and 5003 after 10 s', () => {
    const air = new P2pAir();
    const a = air.host('str:a');
    const connection = a.endpoint.connect(a.now, 'str:nobody', 7);
    a.turn();
    air.clock.advance(9_990);
    expect(connection.state).toBe('connecting');
    const requests = air.signals.map(({ bytes }) => decodeRendezvous(bytes));
    expect(requests.length).toBe(20);
    expect(requests.every((r) => r.isIceEnabled && r.connectRequest && r.first === 1)).toBe(true);
    air.clock.advance(20);
    expect(connection).toMatchObject({ state: 'finWait', endReason: 5003 });
  });

  test('no path: 5009 when addresses are known, as soon as ICE knows', () => {
    const pair = dial({ isBlocked: true });
    pair.air.clock.advance(1000);
    expect(pair.connection.state).toBe('findingRoute');
    pair.air.agents[0]?.fail('noPairWorks');
    expect(pair.connection).toMatchObject({ endReason: 5009, endDebug: 'NAT traversal failed' });
    pair.air.clock.advance(100);
    expect(pair.b.incoming[0]).toMatchObject({ endReason: 5009 }); // told by signal
  });

  test('no path, and ICE does not know: 5009 after 10 s of looking', () => {
    const pair = dial({ isBlocked: true });
    pair.air.clock.advance(12_000);
    expect(pair.connection).toMatchObject({ state: 'finWait', endReason: 5009 });
  });

  test('a virtual port nobody listens on is silent, so that nobody learns who is here', () => {
    const air = new P2pAir();
    const a = air.host('str:a');
    const b = air.host('str:b');
    b.endpoint.listen(7);
    a.endpoint.connect(a.now, 'str:b', 8);
    a.turn();
    air.clock.advance(3000);
    expect(air.signals.every(({ from }) => from === 'str:a')).toBe(true);
    expect(b.endpoint.counts.unexpected).toBeGreaterThan(0);
  });

  test('a certificate of somebody else is refused with 4003', () => {
    const air = new P2pAir();
    const mallory = air.host('str:mallory');
    const b = air.host('str:b');
    b.endpoint.listen(7);
    mallory.endpoint.connect(mallory.now, 'str:b', 7);
    mallory.turn();
    air.clock.advance(1);
    const stolen = decodeRendezvous(air.signals[0]?.bytes ?? new Uint8Array());
    b.endpoint.handleSignal(b.now, encodeRendezvous({ ...stolen, from: 'str:a' }));
    const answer = decodeRendezvous(b.endpoint.pollSignal()?.bytes ?? new Uint8Array());
    expect(answer.connectionClosed).toMatchObject({ reason: 4003 });
    expect(b.endpoint.counts.refused).toBe(1);
  });

  test('a sender the signaling does not vouch for is ignored', () => {
    const pair = dial();
    pair.air.clock.advance(1);
    const { bytes } = pair.air.signals[0] ?? { bytes: new Uint8Array() };
    const before = pair.b.endpoint.counts.unexpected;
    pair.b.endpoint.handleSignal(pair.b.now, bytes, 'str:mallory');
    expect(pair.b.endpoint.counts.unexpected).toBe(before + 1);
  });
});

describe('ending', () => {
  const connect = (): Pair => {
    const pair = dial();
    pair.air.runUntil(() => isConnected(pair));
    return pair;
  };

  test('over the path: reason and text arrive, both sides are gone, no signal is sent', () => {
    const { air, a, b, connection } = connect();
    air.clock.advance(3000);
    const before = air.signals.length;
    connection.close(a.now, 1042, 'enough');
    a.endpoint.touch(a.now, connection);
    a.turn();
    air.clock.advance(100);
    expect(b.incoming[0]).toMatchObject({ endReason: 1042, endDebug: 'enough' });
    air.clock.advance(10_000);
    expect([a.endpoint.connectionCount, b.endpoint.connectionCount]).toEqual([0, 0]);
    expect(air.signals.length).toBe(before);
  });

  test('a refusal by the application arrives by signal', () => {
    const pair = dial();
    pair.b.accepts = false;
    pair.air.clock.advance(50);
    const [incoming] = pair.b.incoming;
    incoming?.close(pair.b.now, 1003, 'full');
    pair.b.endpoint.touch(pair.b.now, incoming as GnsConnection);
    pair.b.turn();
    pair.air.clock.advance(50);
    expect(pair.connection).toMatchObject({ endReason: 1003, endDebug: 'full' });
  });

  test('who gives up before the answer says so, and nobody answers for ever', () => {
    const pair = dial({ loss: 30, duplicates: 50, seed: 3 });
    pair.b.accepts = false;
    pair.air.clock.advance(600);
    pair.connection.close(pair.a.now, 1001, 'changed my mind');
    pair.a.endpoint.touch(pair.a.now, pair.connection);
    pair.a.turn();
    pair.air.clock.advance(2000);
    expect(pair.b.incoming[0]).toMatchObject({ endReason: 1001, endDebug: 'changed my mind' });
    const before = pair.air.signals.length;
    pair.air.clock.advance(20_000);
    expect(pair.air.signals.length).toBe(before);
  });

  test('a peer that vanishes is missed after TimeoutConnected', () => {
    const pair = connect();
    pair.air.isBlocked = true;
    pair.air.clock.advance(10_000);
    expect(pair.connection.state).toBe('connected');
    pair.air.clock.advance(5000);
    expect(pair.connection).toMatchObject({ endReason: 5003 });
  });
});

describe('symmetric', () => {
  const symmetric = { isSymmetric: true } as const;

  function both(options: P2pAirOptions, secondAfterMs: number): readonly P2pHost[] {
    const air = new P2pAir(options);
    const hosts = [air.host('str:a'), air.host('str:b')] as const;
    const call = (me: P2pHost, other: P2pHost): void => {
      me.accepts = false;
      me.endpoint.listen(3, symmetric);
      me.endpoint.connect(me.now, other.identity, 3, symmetric);
      me.turn();
    };
    hosts[1].accepts = false;
    call(hosts[0], hosts[1]);
    air.clock.after(secondAfterMs, () => call(hosts[1], hosts[0]));
    const connected = (): boolean =>
      hosts.every(({ events }) =>
        events.some((e) => e.type === 'stateChanged' && e.change.state === 'connected'),
      );
    expect(air.runUntil(connected, 12_000)).toBe(true);
    air.clock.advance(3000);
    return hosts;
  }

  test('two that call each other get one connection, whoever is first and whatever is lost', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 1500 }), (seed, laterMs) => {
        const hosts = both({ seed, loss: 30, duplicates: 50, delayMs: 200 }, laterMs);
        expect(hosts.map(({ endpoint }) => endpoint.connectionCount)).toEqual([1, 1]);
      }),
      { numRuns: 25 },
    );
  });

  test('who was asked already takes that request when it calls', () => {
    const air = new P2pAir();
    const [a, b] = [air.host('str:a'), air.host('str:b')];
    b.accepts = false;
    b.endpoint.listen(3, symmetric);
    a.endpoint.listen(3, symmetric);
    a.endpoint.connect(a.now, 'str:b', 3, symmetric);
    a.turn();
    air.clock.advance(50);
    const [asked] = b.incoming;
    expect(b.endpoint.connect(b.now, 'str:a', 3, symmetric)).toBe(asked);
    b.turn();
    expect(air.runUntil(() => asked?.state === 'connected', 200)).toBe(true);
  });

  test('a second call to the same peer and ports is refused', () => {
    const air = new P2pAir();
    const a = air.host('str:a');
    a.endpoint.connect(a.now, 'str:b', 3, symmetric);
    let code: unknown;
    try {
      a.endpoint.connect(a.now, 'str:b', 3, symmetric);
    } catch (error) {
      code = isNetError(error) ? error.code : error;
    }
    expect(code).toBe('GNS_ADDRESS_IN_USE');
    expect(a.endpoint.connect(a.now, 'str:b', 3, { ...symmetric, localVirtualPort: 4 }).state).toBe(
      'connecting',
    );
  });
});

test('limits: incoming ones that wait, and connections at all', () => {
  const air = new P2pAir();
  const b = air.host('str:b', { maxIncoming: 2, maxConnections: 3 });
  b.accepts = false;
  b.endpoint.listen(0);
  const callers = ['1', '2', '3', '4'].map((n) => air.host(`str:${n}`));
  for (const caller of callers) {
    caller.endpoint.connect(caller.now, 'str:b', 0);
    caller.turn();
  }
  air.clock.advance(100);
  expect([b.incoming.length, b.endpoint.counts.refused]).toEqual([2, 2]);
  for (const connection of b.incoming) b.endpoint.accept(b.now, connection);
  air.clock.advance(600);
  expect([b.incoming.length, b.endpoint.connectionCount]).toEqual([3, 3]);
});

test('hostile signals change nothing', () => {
  const pair = dial();
  pair.air.runUntil(() => isConnected(pair));
  const seeds = pair.air.signals.map(({ bytes }) => bytes);
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 3 }),
    )
    .map(([seed, edits]) => {
      const bytes = seed.slice();
      for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      pair.b.endpoint.handleSignal(pair.b.now, bytes, 'str:mallory');
      pair.b.turn();
      return true;
    }),
  );
  expect(isConnected(pair)).toBe(true);
  expect(pair.b.endpoint.connectionCount).toBe(1);
});
