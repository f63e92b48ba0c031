import { createHash, createHmac } from 'node:crypto';
import { isNetError, type NetError } from '../src/base/index.ts';
import type { StunAddress } from '../src/stun/index.ts';
import { seededBytes, VirtualClock } from '../src/testing/index.ts';
import { allocateTurn, type TurnAllocation, type TurnClientOptions } from '../src/turn/index.ts';
import type { TurnServerOptions } from '../src/turn/server/options.ts';
import type { RigCrypto } from './turn-rig.ts';
import { type SimPath, SimRelay } from './turn-sim.ts';

const hash = (name: string) => (bytes: Uint8Array) =>
  new Uint8Array(createHash(name).update(bytes).digest());
const hmac = (name: string) => (key: Uint8Array, bytes: Uint8Array) =>
  new Uint8Array(createHmac(name, key).update(bytes).digest());
export const rigCrypto = (seed: number): RigCrypto => ({
  md5: hash('md5'),
  sha256: hash('sha256'),
  hmacSha1: hmac('sha1'),
  hmacSha256: hmac('sha256'),
  randomBytes: seededBytes(seed),
});

/** For tests: our relay, its clients, and one clock for all of them. */
export class TurnWorld {
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

  client(path: SimPath = {}, options: Partial<TurnClientOptions> = {}): WorldClient {
    return new WorldClient(this, path, options);
  }
}

/** A client whose handlers write down what they are told. */
export class WorldClient {
  readonly received: { readonly from: StunAddress; readonly text: string }[] = [];
  readonly refused: { readonly host: string; readonly error: NetError }[] = [];
  readonly ended: NetError[] = [];
  readonly wires: ReturnType<SimRelay['carriers']>['wires'];
  readonly #world: TurnWorld;
  readonly #options: TurnClientOptions;

  constructor(world: TurnWorld, path: SimPath, options: Partial<TurnClientOptions>) {
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
