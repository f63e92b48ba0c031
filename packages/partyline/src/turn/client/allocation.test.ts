import { describe, expect, test } from 'vitest';
import { TurnWorld } from '../../../test/turn-world.ts';
import { type NetError, utf8 } from '../../base/index.ts';
import type { StunAddress } from '../../stun/index.ts';
import { looksLikeChannelData } from '../channel-frame.ts';
import { looksLikeSend } from '../indications.ts';
import type { TurnAllocation } from './index.ts';

const peer = { host: '9.9.9.9', port: 777 };
const kinds = ['datagram', 'stream', 'message'] as const;
const minute = 60_000;

/** A peer that says everything back; what it has heard. */
function echo(world: TurnWorld, { host, port }: StunAddress = peer): string[] {
  const heard: string[] = [];
  world.relay.peers.set(`${host} ${port}`, (from, bytes) => {
    heard.push(new TextDecoder().decode(bytes));
    world.relay.fromPeer({ host, port }, from, bytes);
  });
  return heard;
}

function say(
  allocation: TurnAllocation,
  text: string,
  { host, port }: StunAddress = peer,
): boolean {
  return allocation.send(host, port, utf8(text));
}

describe('data', () => {
  test.each(kinds)(
    '%s: both ways, by indications first, by a channel once it is answered',
    async (kind) => {
      const world = new TurnWorld();
      const forms: string[] = [];
      const tap = (bytes: Uint8Array, isToServer: boolean): Uint8Array => {
        if (isToServer && looksLikeSend(bytes)) forms.push('send');
        if (isToServer && looksLikeChannelData(bytes)) forms.push('channel');
        return bytes;
      };
      const client = world.client({ kind, tap });
      const allocation = await client.allocate();
      const heard = echo(world);
      for (let i = 0; i < 6; i++) {
        say(allocation, `text ${i}`);
        await world.clock.advanceAsync(100);
      }
      const all = [0, 1, 2, 3, 4, 5].map((i) => `text ${i}`);
      expect(heard).toEqual(all);
      expect(client.received.map(({ text }) => text)).toEqual(all);
      expect(
        client.received.every(({ from }) => from.host === '9.9.9.9' && from.port === 777),
      ).toBe(true);
      expect(forms).toEqual(['send', 'send', 'channel', 'channel', 'channel', 'channel']);
      const datagrams = { sentDatagrams: 6, receivedDatagrams: 6 };
      expect(allocation.stats()).toEqual({ ...datagrams, droppedDatagrams: 0, strayDatagrams: 0 });
    },
  );

  test('what is sent before the permission waits for it, up to a limit', async () => {
    const world = new TurnWorld();
    const allocation = await world.client({}, { limits: { waitingPerPeer: 3 } }).allocate();
    const heard = echo(world);
    expect([1, 2, 3, 4].map((i) => say(allocation, String(i)))).toEqual([true, true, true, false]);
    await world.clock.advanceAsync(100);
    expect(heard).toEqual(['1', '2', '3']);
    expect(allocation.stats()).toMatchObject({ sentDatagrams: 3, droppedDatagrams: 1 });
  });

  test('what was sent may be written anew at once', async () => {
    const world = new TurnWorld();
    const allocation = await world.client().allocate();
    const heard = echo(world);
    const bytes = utf8('first');
    allocation.send(peer.host, peer.port, bytes);
    bytes.set(utf8('again'));
    await world.clock.advanceAsync(100);
    allocation.send(peer.host, peer.port, bytes);
    bytes.set(utf8('third'));
    await world.clock.advanceAsync(100);
    expect(heard).toEqual(['first', 'again']);
  });

  test('two allocations of one relay talk to each other', async () => {
    const world = new TurnWorld();
    const [a, b] = [world.client(), world.client()];
    const [atA, atB] = [await a.allocate(), await b.allocate()];
    const [toB = peer] = atB.relayed;
    const [toA = peer] = atA.relayed;
    atB.permit(toA.host);
    await world.clock.advanceAsync(100);
    for (let i = 0; i < 4; i++) {
      say(atA, `ping ${i}`, toB);
      await world.clock.advanceAsync(100);
      say(atB, `pong ${i}`, toA);
      await world.clock.advanceAsync(100);
    }
    expect(b.received.map(({ text }) => text)).toEqual(['ping 0', 'ping 1', 'ping 2', 'ping 3']);
    expect(a.received.map(({ text }) => text)).toEqual(['pong 0', 'pong 1', 'pong 2', 'pong 3']);
    expect(a.received.map(({ from }) => from)).toEqual([toB, toB, toB, toB]);
  });

  test('many peers share one allocation, over IPv4 and IPv6', async () => {
    const world = new TurnWorld();
    const client = world.client({}, { families: 'both' });
    const allocation = await client.allocate();
    const peers = Array.from({ length: 40 }, (_, i) => ({
      host: i % 2 ? `2600:1::${i.toString(16)}` : `9.9.9.${i}`,
      port: 1000 + i,
    }));
    for (const one of peers) echo(world, one);
    for (let round = 0; round < 4; round++) {
      for (const one of peers) say(allocation, `to ${one.port}`, one);
      await world.clock.advanceAsync(100);
    }
    expect(client.received).toHaveLength(160);
    expect(client.received.every(({ from, text }) => text === `to ${from.port}`)).toBe(true);
    expect(world.relay.server.stats().allocations).toBe(1);
  });

  test.each(['::ffff:9.9.9.9', '::FFFF:909:909'])('«%s» is the IPv4 peer', async (host) => {
    const world = new TurnWorld();
    const client = world.client();
    const allocation = await client.allocate();
    const heard = echo(world);
    for (let i = 0; i < 4; i++) {
      expect(say(allocation, `${i}`, { host, port: peer.port })).toBe(true);
      await world.clock.advanceAsync(100);
    }
    expect(heard).toHaveLength(4);
    expect(client.received.map(({ from }) => from.host)).toEqual(Array(4).fill('9.9.9.9'));
  });

  test('a permitted peer is heard from any port, another one is not', async () => {
    const world = new TurnWorld();
    const client = world.client();
    const allocation = await client.allocate();
    const [relayed = peer] = allocation.relayed;
    expect(allocation.permit('9.9.9.9')).toBe(true);
    await world.clock.advanceAsync(100);
    world.relay.fromPeer({ host: '9.9.9.9', port: 1 }, relayed, utf8('one'));
    world.relay.fromPeer({ host: '9.9.9.8', port: 1 }, relayed, utf8('stranger'));
    await world.clock.advanceAsync(100);
    expect(client.received).toEqual([{ from: { host: '9.9.9.9', port: 1 }, text: 'one' }]);
  });

  test('over a full connection datagrams are dropped, requests are not', async () => {
    const world = new TurnWorld();
    const limits = { unsentBytes: 5000 };
    const path = { kind: 'stream', bytesPerSecond: 50_000, bufferBytes: 1e9 } as const;
    const allocation = await world.client(path, { limits }).allocate();
    echo(world);
    allocation.permit(peer.host);
    await world.clock.advanceAsync(1000);
    const taken = Array.from({ length: 20 }, () =>
      allocation.send(peer.host, peer.port, new Uint8Array(1000)),
    );
    expect(taken.filter(Boolean).length).toBeLessThan(8);
    await world.clock.advanceAsync(60 * minute);
    expect(allocation.isOpen).toBe(true);
  });
});

describe('peers that cannot be reached', () => {
  test('403: onRefused, and what is sent is dropped until half a minute later', async () => {
    const world = new TurnWorld();
    const client = world.client();
    const allocation = await client.allocate();
    const inside = { host: '192.168.0.1', port: 80 };
    expect(say(allocation, 'waits', inside)).toBe(true);
    await world.clock.advanceAsync(100);
    expect(client.refused).toMatchObject([
      { host: '192.168.0.1', error: { code: 'TURN_FORBIDDEN' } },
    ]);
    expect(say(allocation, 'dropped', inside)).toBe(false);
    expect(allocation.permit(inside.host)).toBe(false);
    expect(client.refused).toHaveLength(1);
    await world.clock.advanceAsync(36_000);
    expect(say(allocation, 'asks again', inside)).toBe(true);
    await world.clock.advanceAsync(100);
    expect(client.refused).toHaveLength(2);
    expect(allocation.isOpen).toBe(true);
  });

  test.each(['example.com', '1.2.3', '', '2600::1'])(
    '«%s»: no address of a family that it has',
    async (host) => {
      const allocation = await new TurnWorld().client().allocate();
      expect(allocation.permit(host)).toBe(false);
      expect(allocation.send(host, 5, utf8('x'))).toBe(false);
    },
  );

  test.each([0, -1, 65_536, Number.NaN])('port %d', async (port) => {
    const allocation = await new TurnWorld().client().allocate();
    expect(allocation.send('9.9.9.9', port, utf8('x'))).toBe(false);
  });

  test('limits: hosts, ports of a host, channels', async () => {
    const world = new TurnWorld();
    const limits = { permissions: 3, portsPerPeer: 2, channels: 1 };
    const client = world.client({}, { limits });
    const allocation = await client.allocate();
    const hosts = [1, 2, 3, 4].map((i) => allocation.permit(`9.9.9.${i}`));
    expect(hosts).toEqual([true, true, true, false]);
    const [one, two] = [1, 2].map((port) => ({ host: '9.9.9.1', port }));
    const ports = [1, 2, 3].map((port) => say(allocation, 'x', { host: '9.9.9.1', port }));
    expect(ports).toEqual([true, true, false]);
    echo(world, one);
    echo(world, two);
    for (let i = 0; i < 5; i++) {
      await world.clock.advanceAsync(100);
      say(allocation, `${i}`, one);
      say(allocation, `${i}`, two);
    }
    await world.clock.advanceAsync(100);
    expect(client.received.map(({ from }) => from.port).filter((port) => port === 2)).toHaveLength(
      6,
    );
  });

  test('508 from the server: the peer is refused, others are not', async () => {
    const world = new TurnWorld({ limits: { permissionsPerAllocation: 2 } });
    const client = world.client();
    const allocation = await client.allocate();
    const heard = echo(world);
    allocation.permit('9.9.9.1');
    allocation.permit(peer.host);
    allocation.permit('9.9.9.3');
    await world.clock.advanceAsync(100);
    expect(client.refused).toMatchObject([{ host: '9.9.9.3', error: { code: 'TURN_CAPACITY' } }]);
    say(allocation, 'x');
    await world.clock.advanceAsync(100);
    expect(heard).toEqual(['x']);
  });
});

describe('it lasts', () => {
  test.each(kinds)(
    '%s: for two hours with a nonce of one minute; no datagram is lost',
    async (kind) => {
      const world = new TurnWorld({ limits: { nonceSec: 60 } });
      const client = world.client({ kind });
      const allocation = await client.allocate();
      const heard = echo(world);
      const count = (2 * 60) / 3;
      for (let i = 0; i < count; i++) {
        expect(say(allocation, `${i}`)).toBe(true);
        await world.clock.advanceAsync(3 * minute);
      }
      expect(heard).toHaveLength(count);
      expect(client.received).toHaveLength(count);
      expect(client.ended).toEqual([]);
      expect(world.relay.server.stats().unpermitted).toBe(0);
    },
  );

  test('idle: no permission is refreshed that nobody sends to, and the next datagram asks anew', async () => {
    const world = new TurnWorld();
    const client = world.client();
    const allocation = await client.allocate();
    const heard = echo(world);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++) {
        expect(say(allocation, 'x')).toBe(true);
        await world.clock.advanceAsync(1000);
      }
      await world.clock.advanceAsync(25 * minute);
      const [relayed = peer] = allocation.relayed;
      world.relay.fromPeer(peer, relayed, utf8('late'));
      await world.clock.advanceAsync(1000);
    }
    expect(heard).toHaveLength(9);
    expect(client.received.map(({ text }) => text)).not.toContain('late');
  });

  test('a channel that lapsed is bound again for the same peer', async () => {
    const world = new TurnWorld();
    const channels: number[] = [];
    const tap = (bytes: Uint8Array, isToServer: boolean): Uint8Array => {
      if (isToServer && looksLikeChannelData(bytes))
        channels.push(((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));
      return bytes;
    };
    const client = world.client({ tap });
    const allocation = await client.allocate();
    echo(world);
    for (const pauseMs of [100, 100, 100, 11 * minute, 100, 100, 100, 100]) {
      say(allocation, 'x');
      await world.clock.advanceAsync(pauseMs);
    }
    expect(client.received).toHaveLength(8);
    expect(new Set(channels)).toEqual(new Set([0x4000]));
    expect(channels.length).toBeGreaterThan(3);
  });

  test('numbers of channels come round only after they have rested', async () => {
    const world = new TurnWorld();
    const client = world.client({}, { limits: { channels: 8, permissions: 1000 } });
    const allocation = await client.allocate();
    for (let i = 0; i < 40; i++) {
      const one = { host: `9.9.${i >> 4}.${i & 15}`, port: 5 };
      echo(world, one);
      for (let n = 0; n < 4; n++) {
        say(allocation, `${i}`, one);
        await world.clock.advanceAsync(5000);
      }
      await world.clock.advanceAsync(5 * minute);
    }
    expect(client.received).toHaveLength(160);
    expect(world.relay.server.stats().refused.get(400)).toBeUndefined();
  });

  test('NATs are kept open by an idle client; proxies too', async () => {
    const world = new TurnWorld();
    let at = 0;
    let longest = 0;
    const tap = (bytes: Uint8Array): Uint8Array => {
      longest = Math.max(longest, world.clock.now() - at);
      at = world.clock.now();
      return bytes;
    };
    await world.client({ tap }).allocate();
    await world.clock.advanceAsync(30 * minute);
    expect(longest).toBeLessThan(31_000);
  });
});

describe('it ends by itself, and says why, once', () => {
  const ends = async (
    how: (world: TurnWorld) => void,
    kind: (typeof kinds)[number] = 'datagram',
  ): Promise<NetError[]> => {
    const world = new TurnWorld();
    const client = world.client({ kind });
    const allocation = await client.allocate();
    echo(world);
    say(allocation, 'x');
    await world.clock.advanceAsync(1000);
    how(world);
    await world.clock.advanceAsync(20 * minute);
    expect(allocation.isOpen).toBe(false);
    expect(say(allocation, 'x')).toBe(false);
    expect(allocation.permit('9.9.9.9')).toBe(false);
    await world.settled(allocation.close());
    expect(world.clock.pendingTimers).toBe(0);
    return client.ended;
  };

  test.each(kinds)('%s: the server is gone', async (kind) => {
    const ended = await ends((world) => {
      world.relay.isDead = true;
    }, kind);
    expect(ended).toMatchObject([{ code: 'TURN_UNREACHABLE' }]);
  });

  test('the server has ended it', async () => {
    const ended = await ends((world) => {
      world.relay.server.endPlayer(world.clock.now(), 'alice');
      world.relay.pump();
    });
    expect(ended).toMatchObject([{ code: 'TURN_MISMATCH' }]);
  });

  test('the connection breaks', async () => {
    const world = new TurnWorld();
    const client = world.client({ kind: 'stream' });
    const allocation = await client.allocate();
    client.wires[0]?.cut('reset by peer');
    expect(client.ended).toMatchObject([{ code: 'TURN_UNREACHABLE', message: /reset by peer/ }]);
    expect(allocation.isOpen).toBe(false);
  });
});

describe('verify', () => {
  test.each(kinds)('%s: seen where it was, it stays', async (kind) => {
    const world = new TurnWorld();
    const client = world.client({ kind });
    const allocation = await client.allocate();
    allocation.verify(3000);
    await world.clock.advanceAsync(10_000);
    expect([allocation.isOpen, client.ended]).toEqual([true, []]);
  });

  test('a NAT shows us elsewhere: it ends at once', async () => {
    const world = new TurnWorld();
    let host = '1.2.3.4';
    const client = world.client({ host: () => host });
    const allocation = await client.allocate();
    host = '1.2.3.5';
    allocation.verify(3000);
    await world.clock.advanceAsync(100);
    expect(client.ended).toMatchObject([{ code: 'TURN_MISMATCH' }]);
    expect(allocation.isOpen).toBe(false);
  });

  test('our own address is gone: it ends without a question', async () => {
    const world = new TurnWorld();
    let isStale = false;
    const client = world.client({ isStale: () => isStale });
    const allocation = await client.allocate();
    allocation.verify(3000);
    expect(allocation.isOpen).toBe(true);
    isStale = true;
    allocation.verify(3000);
    expect(client.ended).toMatchObject([{ code: 'TURN_UNREACHABLE' }]);
  });

  test.each(kinds)('%s: nobody answers: a stream is over, UDP may come back', async (kind) => {
    const world = new TurnWorld();
    const client = world.client({ kind });
    const allocation = await client.allocate();
    world.relay.isDead = true;
    allocation.verify(3000);
    await world.clock.advanceAsync(2900);
    expect(client.ended).toEqual([]);
    await world.clock.advanceAsync(200);
    const ended = kind === 'datagram' ? [] : [{ code: 'TURN_UNREACHABLE' }];
    expect(client.ended).toMatchObject(ended);
    expect(allocation.isOpen).toBe(kind === 'datagram');
  });
});
