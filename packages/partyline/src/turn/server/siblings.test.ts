import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codeOf, type RigCrypto, relayedAddress, TurnRig } from '../../../test/turn-rig.ts';
import { utf8 } from '../../base/index.ts';
import { seededBytes } from '../../testing/index.ts';
import {
  AddressFamily,
  addressFamily,
  channelOf,
  channelPayload,
  TurnAttributeType,
  writeChannelData,
} from '../index.ts';
import type { TurnServerOptions } from './options.ts';
import { readSiblingFrame, SIBLING_HEADER_BYTES, writeSiblingFrame } from './sibling-frame.ts';

const hash = (name: string) => (bytes: Uint8Array) =>
  new Uint8Array(createHash(name).update(bytes).digest());
const hmac = (name: string) => (key: Uint8Array, bytes: Uint8Array) =>
  new Uint8Array(createHmac(name, key).update(bytes).digest());
const crypto: RigCrypto = {
  md5: hash('md5'),
  sha256: hash('sha256'),
  hmacSha1: hmac('sha1'),
  hmacSha256: hmac('sha256'),
  randomBytes: seededBytes(11),
};
const whole = { min: 5000, max: 5063 };
const lower = { min: 5000, max: 5031 };
const upper = { min: 5032, max: 5063 };
const hello = utf8('hello');

/** Two servers on one address, each with half of its ports. */
function pair(options: Partial<TurnServerOptions> = {}): readonly [TurnRig, TurnRig] {
  const common = { ...options, siblingPorts: whole };
  const one = new TurnRig(crypto, { ...common, ports: lower });
  return [one, new TurnRig(crypto, { ...common, ports: upper })];
}

function channelData(channel: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length);
  writeChannelData(bytes, 0, channel, payload, false);
  return bytes;
}

test.each([
  ['IPv4', AddressFamily.Ipv4],
  ['IPv6', AddressFamily.Ipv6],
])('%s: players on two siblings reach each other, and no relayed socket sends it', (_, family) => {
  const [one, two] = pair();
  const [a, b] = [one.client(), two.client('4.3.2.1')];
  const wish = addressFamily(TurnAttributeType.RequestedAddressFamily, family);
  const toA = relayedAddress(a.allocate(wish));
  const toB = relayedAddress(b.allocate(wish));
  expect([codeOf(a.bind(0x4000, toB)), codeOf(b.bind(0x4001, toA))]).toEqual([0, 0]);
  a.received();
  b.received();
  a.send(channelData(0x4000, hello));
  expect(one.toPeers).toEqual([]);
  const [sent] = one.toSiblings;
  expect(sent?.port).toBe(toB.port);
  two.fromSibling(sent?.bytes ?? new Uint8Array());
  const [frame = new Uint8Array()] = b.received();
  expect([channelOf(frame), channelPayload(frame)]).toEqual([0x4001, hello]);
});

test('without a permission, for nobody’s port, or from our own range nothing comes through', () => {
  const [, two] = pair();
  const b = two.client('4.3.2.1');
  const { port } = relayedAddress(b.allocate());
  b.received();
  const frame = (toPort: number, fromPort: number): Uint8Array => {
    const bytes = new Uint8Array(SIBLING_HEADER_BYTES + hello.length);
    writeSiblingFrame(bytes, { family: 1, toPort, fromPort, payload: hello });
    return bytes;
  };
  two.fromSibling(frame(port, 5001));
  expect(codeOf(b.permit({ host: '8.8.4.4', port: 5001 }))).toBe(0);
  b.received();
  two.fromSibling(frame(port === 5040 ? 5041 : 5040, 5001));
  two.fromSibling(frame(port, 5041));
  two.fromSibling(frame(port, 6000));
  expect(b.received()).toEqual([]);
  two.fromSibling(frame(port, 5001));
  expect(b.received()).toHaveLength(1);
});

test('a port outside of the whole range stays denied', () => {
  const [one] = pair();
  const a = one.client();
  a.allocate();
  expect(codeOf(a.bind(0x4000, { host: '8.8.4.4', port: 5064 }))).toBe(403);
  expect(codeOf(a.bind(0x4000, { host: '8.8.4.4', port: 3478 }))).toBe(403);
});

test('what somebody has elsewhere counts in the quota, and divides the rate', () => {
  const limits = { allocationsPerPlayer: 2, bytesPerSecondPerPlayer: 1000 };
  const told: [string, string, number][] = [];
  const rig = new TurnRig(crypto, { limits, onShare: (...share) => told.push(share) });
  const first = rig.client('1.2.3.4', 1);
  first.allocate();
  expect(told).toEqual([
    ['player', 'alice', 1],
    ['address', '1.2.3.4', 1],
  ]);
  rig.server.setElsewhere('player', 'alice', 1, 1);
  expect(codeOf(rig.client('1.2.3.4', 2).allocate())).toBe(486);
  const peer = { host: '9.9.9.9', port: 7 };
  first.bind(0x4000, peer);
  for (let n = 0; n < 10; n++) first.send(channelData(0x4000, new Uint8Array(100)));
  expect(rig.toPeers).toHaveLength(5); // half of the second's worth
  rig.server.setElsewhere('player', 'alice', 0, 0);
  expect(codeOf(rig.client('1.2.3.4', 2).allocate())).toBe(0);
});

test('no frame of a sibling, however broken, makes the server throw', () => {
  const [one] = pair();
  one.client().allocate();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      one.fromSibling(bytes);
      const frame = readSiblingFrame(bytes);
      expect(frame === undefined).toBe(bytes.length < SIBLING_HEADER_BYTES);
    }),
  );
});
