import { describe, expect, test } from 'vitest';
import { isNetError } from '../base/index.ts';
import {
  NatBox,
  type NatDependence as SimDependence,
  type SimHost,
  SimInternet,
  type SimSocket,
  seededBytes,
  VirtualClock,
} from '../testing/index.ts';
import { plainAddress, type StunAddress, StunAttributeType } from './attributes.ts';
import { discoverNatBehavior, type NatBehavior, type NatDependence } from './behavior-client.ts';
import { type BehaviorPlace, behaviorAnswer } from './behavior-server.ts';
import { bindingResponse } from './binding.ts';
import { encodeStun, readStun } from './message.ts';

const places: [StunAddress, StunAddress, StunAddress, StunAddress] = [
  { host: '8.8.4.4', port: 3479 },
  { host: '8.8.4.4', port: 3480 },
  { host: '8.8.8.8', port: 3479 },
  { host: '8.8.8.8', port: 3480 },
];

const clock = new VirtualClock();

function world(): SimInternet {
  return new SimInternet(clock, { latencyMs: 20 });
}

/** Our server's function on four simulated sockets. */
function startServer(internet: SimInternet, edit = (bytes: Uint8Array): Uint8Array => bytes): void {
  const server = internet.host('8.8.4.4', '8.8.8.8');
  const sockets: SimSocket[] = [];
  for (const [at, { host, port }] of places.entries()) {
    const socket = server.open(host, port, (from, bytes) => {
      const answer = behaviorAnswer(bytes, from, at as BehaviorPlace, places); // one of the four
      if (answer) sockets[answer.from]?.send(answer.to, edit(answer.bytes));
    });
    sockets.push(socket);
  }
}

async function discover(machine: SimHost, server: StunAddress = places[0]): Promise<NatBehavior> {
  const [host = ''] = machine.addresses;
  const found = discoverNatBehavior({
    server,
    ownHosts: machine.addresses,
    crypto: { randomBytes: seededBytes(5) },
    scheduler: clock,
    sockets: {
      open: async (onDatagram) => {
        const socket = machine.open(host, 0, (from, bytes) => onDatagram(bytes, from));
        return { send: (to, bytes) => socket.send(to, bytes), close: () => socket.close() };
      },
    },
  });
  found.catch(() => {});
  for (let i = 0; i < 100; i++) await clock.advanceAsync(100);
  expect(clock.pendingTimers).toBe(0);
  return await found;
}

const names: Record<SimDependence, NatDependence> = {
  'endpoint-independent': 'endpointIndependent',
  address: 'addressDependent',
  'address-and-port': 'addressAndPortDependent',
};
const kinds = Object.keys(names) as SimDependence[];

describe('RFC 5780 §4.3, §4.4', () => {
  test.each(kinds.flatMap((mapping) => kinds.map((filtering) => [mapping, filtering] as const)))(
    'a NAT that maps by %s and filters by %s',
    async (mapping, filtering) => {
      const internet = world();
      startServer(internet);
      const nat = new NatBox({ host: '9.9.9.9', mapping, filtering, preservesPorts: false });
      const found = await discover(internet.lan(nat).host('10.0.0.2'));
      expect(found).toEqual({
        mapped: { host: '9.9.9.9', port: expect.any(Number) },
        mapping: names[mapping],
        filtering: names[filtering],
        rewritesPayload: false,
      });
    },
  );

  test('no NAT', async () => {
    const internet = world();
    startServer(internet);
    expect(await discover(internet.host('9.9.9.1'))).toMatchObject({
      mapping: 'none',
      filtering: 'endpointIndependent',
    });
  });

  test('a server with one address: the mapped address, and nothing is claimed', async () => {
    const internet = world();
    const socket = internet.host('8.8.4.4').open('8.8.4.4', 3479, (from, bytes) => {
      const answer = bindingResponse(bytes, from);
      if (answer) socket.send(from, answer);
    });
    const found = await discover(internet.host('9.9.9.1'));
    expect(found).toMatchObject({ mapped: { host: '9.9.9.1' }, mapping: undefined });
    expect(found.filtering).toBeUndefined();
  });

  test('something that rewrites addresses inside of datagrams is found out', async () => {
    const internet = world();
    startServer(internet, (bytes) => {
      const message = readStun(bytes);
      if (!message) return bytes;
      const forged = plainAddress(StunAttributeType.MappedAddress, { host: '10.0.0.9', port: 1 });
      const attributes = message.attributes.map((a) => (a.type === forged.type ? forged : a));
      return encodeStun({ ...message, attributes });
    });
    expect(await discover(internet.host('9.9.9.1'))).toMatchObject({ rewritesPayload: true });
  });

  test.each([
    ['blocked', true],
    ['nobody there', false],
  ])('%s: STUN_TIMEOUT', async (_, blocksUdp) => {
    const internet = world();
    if (blocksUdp) startServer(internet);
    const machine = internet.lan(new NatBox({ host: '9.9.9.9', blocksUdp })).host('10.0.0.2');
    const failed = await discover(machine).catch((error: unknown) => error);
    expect(isNetError(failed, 'STUN_TIMEOUT')).toBe(true);
  });

  test.each([1, 2, 3])(
    'with loss, seed %i: a mapping is never taken for a better one',
    async (seed) => {
      const internet = new SimInternet(clock, { latencyMs: 20, loss: 0.2, duplicate: 0.2 }, seed);
      startServer(internet);
      const nat = new NatBox({
        host: '9.9.9.9',
        mapping: 'address-and-port',
        preservesPorts: false,
      });
      const found = await discover(internet.lan(nat).host('10.0.0.2'));
      expect(['addressAndPortDependent', undefined]).toContain(found.mapping);
      expect(['addressAndPortDependent', undefined]).toContain(found.filtering);
    },
  );
});
