import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8 } from '../../../packages/partyline/src/base/index.ts';
import type { Lobby, Session } from '../../../packages/partyline/src/client/index.ts';
import { nodeCrypto } from '../../../packages/partyline/src/node/crypto.ts';
import {
  decodeFrame,
  encodeFrame,
  FrameType,
  MAX_SIGNAL_BYTES,
  openSignal,
  signSignal,
} from '../../../packages/partyline/src/signaling/index.ts';
import { FakeServer } from './fake-server.ts';

interface Scene {
  readonly server: FakeServer;
  readonly session: Session;
  readonly lobby: Lobby;
  readonly seed: Uint8Array;
  readonly received: string[];
}

/** Me (1) and a friend (2) whose session key we hold. */
async function scene(friend: { cert?: string } = {}): Promise<Scene> {
  const server = new FakeServer();
  const session = await server.connect();
  const { member, seed } = server.member(2, friend);
  const { player } = session;
  const cert = server.certOf(player, server.sessionKeyOf(player));
  const me = server.member(1, { player, cert }).member;
  server.scripts['lobby.join'] = () => ({ lobby: server.lobby(2, [me, member]), you: 1 });
  const lobby = await server.settled(session.lobbies.join('ACDEFG'));
  const received: string[] = [];
  lobby.signaling.events.on('signal', ({ from, payload }) =>
    received.push(`${from} ${new TextDecoder().decode(payload)}`),
  );
  return { server, session, lobby, seed, received };
}

const scopeOf = (lobby: Lobby) => ({ app: 'game', lobby: lobby.id, epoch: 1, from: 2, to: 1 });

async function arrives(
  { server, lobby, seed }: Scene,
  change: Partial<ReturnType<typeof scopeOf>> = {},
  from = 2,
): Promise<void> {
  const sign = (bytes: Uint8Array): Uint8Array => nodeCrypto.ed25519Sign(seed, bytes);
  const signed = signSignal(sign, { ...scopeOf(lobby), ...change }, utf8('hello'));
  server.last.sayBytes(encodeFrame(FrameType.Signal, from, signed));
  await server.clock.advanceAsync(10);
}

test('a signal that its sender signed for us, here and now, comes out', async () => {
  const stage = await scene();
  await arrives(stage);
  expect(stage.received).toEqual(['2 hello']);
  expect(stage.session.stats()).toMatchObject({ signalsReceived: 1, signalsRefused: 0 });
});

test.each([
  ['of another lobby', { lobby: 'BBBBBBBBBBBBBBBBBBBBBB' }, 2],
  ['of another app', { app: 'other' }, 2],
  ['of another epoch', { epoch: 2 }, 2],
  ['for another member', { to: 3 }, 2],
  ['whose sender the server forged', {}, 1],
  ['of somebody in no lobby of ours', {}, 99],
])('a signal %s is refused and counted', async (_, change, from) => {
  const stage = await scene();
  await arrives(stage, change, from);
  expect(stage.received).toEqual([]);
  expect(stage.session.stats().signalsRefused).toBe(1);
});

test('a member whose certificate is of another CA is not heard', async () => {
  const stage = await scene({
    cert: new FakeServer().certOf(`g${'a'.repeat(26)}`, 'A'.repeat(43)),
  });
  await arrives(stage);
  expect(stage.received).toEqual([]);
  expect(() => stage.lobby.identityOf(2)).toThrow('certificate refused');
});

test('what is sent is signed with the key that our certificate names', async () => {
  const { server, lobby } = await scene();
  lobby.signaling.send(2, utf8('hello'));
  await server.clock.advanceAsync(10);
  const frame = decodeFrame(server.last.signals[0] ?? new Uint8Array());
  expect(frame.member).toBe(2);
  const { publicKey } = lobby.identityOf(1);
  const opened = openSignal(
    (bytes, signature) => nodeCrypto.ed25519Verify(publicKey, bytes, signature),
    { ...scopeOf(lobby), from: 1, to: 2 },
    frame.payload,
  );
  expect(opened.payload).toEqual(utf8('hello'));
});

test('a signal over the limit is refused loudly; one to a stranger or without connection is dropped', async () => {
  const { server, lobby, session } = await scene();
  expect(() => lobby.signaling.send(2, new Uint8Array(MAX_SIGNAL_BYTES))).toThrow('limit');
  lobby.signaling.send(99, utf8('hello'));
  server.last.drop();
  await server.clock.advanceAsync(1);
  lobby.signaling.send(2, utf8('hello'));
  expect(session.stats()).toMatchObject({ signalsSent: 0, signalsDropped: 2 });
});

test('a session key signs envelopes and nothing else', async () => {
  const { lobby } = await scene();
  expect(() => lobby.sign(Uint8Array.of(8, 1))).toThrow('envelopes only');
  expect(lobby.sign(Uint8Array.of(0, 1)).length).toBe(64);
});

test('no frame of the server, however odd, breaks a session: it is counted', async () => {
  const { server, session, lobby } = await scene();
  const strange = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ id: fc.nat(10), result: fc.jsonValue() }),
    fc.record({ id: fc.nat(10), error: fc.jsonValue() }),
    fc.record({
      method: fc.constantFrom('lobby.changed', 'lobby.chatted', 'constructor', 'new.thing'),
      params: fc.oneof(
        fc.jsonValue(),
        fc.record({
          lobby: fc.constant(lobby.id),
          revision: fc.constantFrom(0, 1, 2, 3, -1, 1e308),
          events: fc.array(
            fc.record({
              type: fc.constantFrom('memberLeft', 'dataChanged', '__proto__'),
              member: fc.nat(3),
            }),
          ),
        }),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(strange, fc.uint8Array()), async (frame) => {
      const before = counted(session);
      if (frame instanceof Uint8Array) server.last.sayBytes(frame);
      else server.last.say(frame);
      await server.clock.advanceAsync(6);
      expect(counted(session)).toBe(before + 1);
      expect(session.state).toBe('open');
    }),
    { numRuns: 500 },
  );
});

function counted(session: Session): number {
  const { malformed, unexpected, signalsRefused } = session.stats();
  return malformed + unexpected + signalsRefused;
}
