import { expect, test } from 'vitest';
import { silentLogger } from '../base/index.ts';
import { VirtualClock } from '../testing/index.ts';
import type { WebRtcSessionHandlers } from '../webrtc/index.ts';
import { MemberWires, type SignaledWire, wireTiming } from './member-wires.ts';
import type { RelayLine } from './relay-line.ts';
import type { RelayPathHandlers } from './relay-path.ts';
import { RelayWire } from './relay-wire.ts';
import type { Wire } from './wire.ts';

interface Session extends SignaledWire {
  readonly handlers: WebRtcSessionHandlers;
  closed: boolean;
}

/** Wires to one member whose WebRTC and relay do what the test says. */
function setup(can: { webrtc?: boolean; relay?: boolean } = {}) {
  const clock = new VirtualClock();
  const sessions: Session[] = [];
  const log: string[] = [];
  let relayHandlers: RelayPathHandlers | undefined;
  const openWebRtc = (handlers: WebRtcSessionHandlers): SignaledWire => {
    const session: Session = {
      kind: 'webrtc',
      maxPacketBytes: 1000,
      bufferedBytes: 0,
      closed: false,
      handlers,
      send: () => true,
      handleSignal: () => {},
      close: () => {
        session.closed = true;
      },
    };
    sessions.push(session);
    log.push('webrtc');
    return session;
  };
  const relay = {
    trouble: '',
    request: (_member: number, _epoch: number, handlers: RelayPathHandlers) => {
      log.push('relay');
      relayHandlers = handlers;
    },
    release: () => {
      log.push('released');
      relayHandlers = undefined;
    },
  };
  const wires = new MemberWires({
    member: 1,
    epoch: 1,
    scheduler: clock,
    logger: silentLogger,
    timing: wireTiming,
    openWebRtc: can.webrtc === false ? undefined : openWebRtc,
    // What MemberWires uses of a line; the class has private fields that no literal can have.
    relay: can.relay === false ? undefined : (relay as unknown as RelayLine),
    handlersFor: () => ({
      onPacket: (packet) => log.push(`packet ${packet[0]}`),
      onWritable: () => {},
      onClosed: (reason) => log.push(`closed ${reason}`),
    }),
    attach: (wire: Wire) => log.push(`use ${wire.kind}`),
    onRelayWanted: () => log.push('asked'),
    onHopeless: () => log.push('hopeless'),
  });
  wires.start();
  const openRelay = (): RelayWire => {
    const wire = new RelayWire({
      seal: undefined as never, // nothing is sent here
      send: () => {},
      bufferedBytes: () => 0,
      onFull: () => {},
    });
    const handlers = relayHandlers?.onWire(wire);
    if (handlers) wire.open(handlers);
    return wire;
  };
  return { clock, sessions, log, wires, openRelay, relay: () => relayHandlers };
}

test('WebRTC that opens within five seconds: the relay is never asked', () => {
  const { clock, sessions, log, wires } = setup();
  clock.advance(4900);
  sessions[0]?.handlers.onOpen();
  clock.advance(60_000);
  sessions[0]?.handlers.onPacket(Uint8Array.of(7), true);
  expect(log).toEqual(['webrtc', 'use webrtc', 'packet 7']);
  wires.stop();
  expect(sessions[0]?.closed).toBe(true);
  expect(clock.pendingTimers).toBe(0);
});

test('after five seconds without WebRTC the relay; WebRTC takes over when it opens, the relay goes a little later', () => {
  const { clock, sessions, log, openRelay } = setup();
  clock.advance(5000);
  openRelay();
  clock.advance(3000);
  sessions[0]?.handlers.onOpen();
  expect(log).toEqual(['webrtc', 'relay', 'asked', 'use relay', 'use webrtc']);
  clock.advance(2000);
  expect(log.at(-1)).toBe('released');
});

test('WebRTC opened first: a relay wire that comes late is not used', () => {
  const { clock, sessions, log, openRelay } = setup();
  clock.advance(5000);
  sessions[0]?.handlers.onOpen();
  openRelay();
  expect(log).toEqual(['webrtc', 'relay', 'asked', 'use webrtc']);
});

test('the other side asks for the relay when WebRTC has just taken over: it goes all the same', () => {
  const { clock, sessions, log, wires, openRelay } = setup();
  clock.advance(5000);
  openRelay();
  sessions[0]?.handlers.onOpen();
  wires.wantRelay();
  clock.advance(2000);
  expect(log.at(-1)).toBe('released');
});

test('evidence: a relay wire that replaced another is open', () => {
  const { clock, openRelay, wires } = setup();
  clock.advance(5000);
  const first = openRelay();
  openRelay();
  first.end('the other side connected anew');
  expect(wires.evidence).toContain('relay: open');
});

test('no relay behind it: WebRTC that dies is tried again before the link runs out of time', () => {
  const { clock, sessions } = setup({ relay: false });
  sessions[0]?.handlers.onOpen();
  sessions[0]?.handlers.onClosed('the path broke', 'PEER_CLOSED');
  const at: number[] = [];
  for (let i = 2; i <= 6; i++) {
    const from = clock.now();
    while (sessions.length < i) clock.advance(100);
    at.push(clock.now() - from);
    sessions.at(-1)?.handlers.onClosed('no path', 'PEER_CONNECT_FAILED');
  }
  expect(at).toEqual([1000, 2000, 4000, 8000, 8000]);
});

test('without WebRTC on one side the relay at once', () => {
  expect(setup({ webrtc: false }).log).toEqual(['relay', 'asked']);
});

test('WebRTC that fails while opening: the relay at once, WebRTC again after 15, 30, 60, 120, 120 s', () => {
  const { clock, sessions, log } = setup();
  const at: number[] = [];
  for (let i = 0; i < 6; i++) {
    at.push(clock.now());
    sessions.at(-1)?.handlers.onClosed('no path', 'PEER_CONNECT_FAILED');
    if (i === 0) expect(log).toEqual(['webrtc', 'relay', 'asked']);
    const before = sessions.length;
    while (sessions.length === before) clock.advance(1000);
  }
  expect(at.map((ms, i) => ms - (at[i - 1] ?? 0)).slice(1)).toEqual([
    15_000, 30_000, 60_000, 120_000, 120_000,
  ]);
});

test('WebRTC that dies while playing: back to the relay, and up again', () => {
  const { clock, sessions, log, openRelay } = setup();
  sessions[0]?.handlers.onOpen();
  clock.advance(30_000);
  sessions[0]?.handlers.onClosed('the path broke', 'PEER_CLOSED');
  openRelay();
  clock.advance(15_000);
  sessions[1]?.handlers.onOpen();
  expect(log).toEqual([
    'webrtc',
    'use webrtc',
    'closed the path broke',
    'relay',
    'asked',
    'use relay',
    'webrtc',
    'use webrtc',
  ]);
});

test('WebRTC that dies in the moment after it took over: the relay that is still there carries on', () => {
  const { clock, sessions, log, openRelay } = setup();
  clock.advance(5000);
  openRelay();
  sessions[0]?.handlers.onOpen();
  sessions[0]?.handlers.onClosed('gone', 'PEER_CLOSED');
  clock.advance(5000);
  expect(log.slice(3)).toEqual(['use relay', 'use webrtc', 'closed gone', 'use relay']);
});

test('who does not prove itself by WebRTC gets no second WebRTC; when the relay says so too, there is no hope', () => {
  const { clock, sessions, log, wires, relay } = setup();
  sessions[0]?.handlers.onClosed('did not prove its identity', 'PEER_UNVERIFIED');
  clock.advance(300_000);
  expect(sessions).toHaveLength(1);
  relay()?.onFailed(Object.assign(new Error('no proof')) as never); // only its message is read
  expect(log.at(-1)).toBe('hopeless');
  expect(wires.evidence).toBe('webrtc: did not prove its identity; relay: no proof');
});

test('the other side asks for the relay: it is opened here too, once; not when WebRTC carries the link', () => {
  const one = setup();
  one.wires.wantRelay();
  one.wires.wantRelay();
  expect(one.log).toEqual(['webrtc', 'relay', 'asked']);
  const two = setup();
  two.sessions[0]?.handlers.onOpen();
  two.wires.wantRelay();
  expect(two.log).toEqual(['webrtc', 'use webrtc']);
});

test('no way at all: hopeless at once', () => {
  expect(setup({ webrtc: false, relay: false }).log).toEqual(['hopeless']);
});
