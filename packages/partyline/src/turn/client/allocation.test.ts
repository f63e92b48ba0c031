import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { RigCrypto } from '../../../test/turn-rig.ts';
import { type SimPath, SimRelay } from '../../../test/turn-sim.ts';
import { isNetError, type NetError, utf8 } from '../../base/index.ts';
import type { StunAddress } from '../../stun/index.ts';
import { seededBytes, VirtualClock } from '../../testing/index.ts';
import type { TurnServerOptions } from '../server/index.ts';
import { allocateTurn, type TurnAllocation, type TurnClientOptions } from './index.ts';

const hash = (name: string) => (bytes: Uint8Array) =>
  new Uint8Array(createHash(name).update(bytes).digest());
const hmac = (name: string) => (key: Uint8Array, bytes: Uint8Array) =>
  new Uint8Array(createHmac(name, key).update(bytes).digest());
const rigCrypto = (seed: number): RigCrypto => ({
  md5: hash('md5'),
  sha256: hash('sha256'),
  hmacSha1: hmac('sha1'),
  hmacSha256: hmac('sha256'),
  randomBytes: seededBytes(seed),
});

const hello = utf8('hello');
const peer = { host: '9.9.9.9', port: 777 };

class World {
  readonly clock = new VirtualClock();
  readonly relay: SimRelay;
  readonly crypto = rigCrypto(3);

  constructor(options: Partial<TurnServerOptions> = {}) {
    this.relay = new SimRelay(this.clock, rigCrypto(7), options);
  }

  /** Runs until the promise is settled. */
  async settled<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    for (let waited = 0; !isDone && waited < limitMs; waited += 10) {
      await this.clock.advanceAsync(10);
    }
    if (!isDone) throw new Error('it does not end');
    return promise;
  }

  client(path: SimPath = {}, options: Partial<TurnClientOptions> = {}): Client {
    return new Client(this, path, options);
  }
}

class Client {
  readonly received: { readonly from: StunAddress; readonly text: string }[] = [];
  readonly refused: { readonly host: string; readonly error: NetError }[] = [];
  readonly ended: NetError[] = [];
  readonly wires: ReturnType<SimRelay['carriers']>['wires'];
  readonly #world: World;
  readonly #options: TurnClientOptions;

  constructor(world: World, path: SimPath, options: Partial<TurnClientOptions>) {
    const { factory, wires } = world.relay.carriers({ latencyMs: 20, ...path });
    this.#world = world;
    this.wires = wires;
    this.#options = {
      server: { host: 'relay.example', port: 3478 },
      credential: { username: 'alice', password: 'pw' },
      carriers: factory,
      crypto: world.crypto,
      scheduler: world.clock,
      handlers: {
        onReceive: (bytes, from) =>
          this.received.push({ from, text: new TextDecoder().decode(bytes) }),
        onRefused: (host, error) => this.refused.push({ host, error }),
        onEnded: (error) => this.ended.push(error),
      },
      ...options,
    };
  }

  allocate(): Promise<TurnAllocation> {
    return this.#world.settled(allocateTurn(this.#options));
  }

  /** The code that allocating fails with. */
  async failure(): Promise<string> {
    try {
      await this.allocate();
    } catch (error) {
      return isNetError(error) ? error.code : String(error);
    }
    return 'none';
  }
}

describe('allocateTurn', () => {
  test('two round trips: the challenge, and the allocation', async () => {
    const world = new World();
    const allocation = await world.client().allocate();
    expect(world.clock.now()).toBe(80);
    expect(allocation.relayed).toEqual([{ host: '8.8.4.4', port: expect.any(Number) }]);
    expect(allocation.mapped).toEqual({ host: '1.2.3.4', port: 40_000 });
    expect(world.relay.server.stats().allocations).toBe(1);
  });
  test('close frees it at the server, and leaves no timer behind', async () => {
    const world = new World();
    const allocation = await world.client().allocate();
    await world.settled(allocation.close());
    expect(world.relay.server.stats().allocations).toBe(0);
    expect(allocation.isOpen).toBe(false);
    await world.clock.advanceAsync(5000);
    expect(world.clock.pendingTimers).toBe(0);
  });
  test('data both ways: by indications first, then by channels', async () => {
    const world = new World();
    const client = world.client();
    const allocation = await client.allocate();
    const heard: string[] = [];
    world.relay.peers.set('9.9.9.9 777', (from, bytes) => {
      heard.push(new TextDecoder().decode(bytes));
      world.relay.fromPeer(peer, from, utf8(`re ${heard.length}`));
    });
    for (let i = 0; i < 10; i++) {
      allocation.send(peer.host, peer.port, hello);
      await world.clock.advanceAsync(100);
    }
    expect(heard).toHaveLength(10);
    expect(client.received).toHaveLength(10);
  });
});
