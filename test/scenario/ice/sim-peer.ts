import {
  type IceAgent,
  type IceAgentOptions,
  type IceCrypto,
  type IceEvent,
  type IceLocalCandidate,
  IcePool,
} from 'partyline/protocol/ice';
import { bindingResponse } from 'partyline/protocol/stun';
import { type SimHost, type SimSocket, seededBytes, type VirtualClock } from 'partyline/testing';
import { nodeCrypto } from '../../../packages/partyline/src/node/crypto.ts';
import { nodeLegacyCrypto } from '../../../packages/partyline/src/node/turn-crypto.ts';

/** Real hashes, seeded randomness. */
export function seededIceCrypto(seed: number): IceCrypto {
  const { sha256, hmacSha256 } = nodeCrypto;
  return { ...nodeLegacyCrypto, sha256, hmacSha256, randomBytes: seededBytes(seed) };
}

/** A machine of the simulated internet that runs a pool, as a shell would. */
export class SimPeer {
  readonly pool: IcePool;
  /** Told of every datagram that leaves. */
  onSend: ((socket: number, bytes: Uint8Array) => void) | undefined;
  /** A process that is busy elsewhere: what comes, and what is due, waits for {@link SimPeer.wakeUp}. */
  isBusy = false;
  readonly #unread: (() => void)[] = [];
  /** How often a shell would have asked its relay whether the allocation still stands. */
  doubts = 0;
  readonly #clock: VirtualClock;
  readonly #crypto: IceCrypto;
  readonly #sockets = new Map<number, SimSocket>();
  readonly #listeners = new Map<IceAgent, (event: IceEvent) => void>();
  #nextSocket = 1;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: VirtualClock, seed: number) {
    this.#clock = clock;
    this.#crypto = seededIceCrypto(seed);
    this.pool = new IcePool(this.#crypto);
  }

  get now(): number {
    return this.#clock.now();
  }

  openAgent(
    options: Omit<IceAgentOptions, 'crypto'>,
    listener: (event: IceEvent) => void,
  ): IceAgent {
    const agent = this.pool.openAgent(this.now, { crypto: this.#crypto, ...options });
    this.#listeners.set(agent, listener);
    this.#clock.soon(() => this.run());
    return agent;
  }

  /** A host candidate on each of the machine's addresses. */
  openSockets(machine: SimHost): number[] {
    return machine.addresses.map((host) => {
      const socket = this.#nextSocket++;
      const opened = machine.open(host, 0, (from, bytes) => this.#receive(socket, from, bytes));
      this.addSocket(opened, { type: 'host', address: opened.address, socket });
      return socket;
    });
  }

  addSocket(opened: SimSocket, candidate: IceLocalCandidate): void {
    this.#sockets.set(candidate.socket, opened);
    this.pool.addSocket(this.now, candidate);
    this.run();
  }

  /** An allocation at a relay, as if a TURN client had made it. */
  openRelay(relay: SimRelay, relayTransport: 'udp' | 'tcp' = 'udp'): number {
    const socket = this.#nextSocket++;
    const opened = relay.allocate((from, bytes) => this.#receive(socket, from, bytes));
    const server = relay.host;
    this.addSocket(opened, {
      type: 'relay',
      address: opened.address,
      socket,
      server,
      relayTransport,
    });
    return socket;
  }

  closeSocket(socket: number): void {
    this.#sockets.get(socket)?.close();
    this.pool.removeSocket(this.now, socket);
    this.run();
  }

  /** Calls a method of the agent, then sends and tells what came of it. */
  touch(agent: IceAgent): void {
    this.pool.touch(agent);
    this.run();
  }

  /** Timers first, then what has come: the order of Node's event loop. */
  wakeUp(): void {
    this.isBusy = false;
    this.run();
    for (const read of this.#unread.splice(0)) read();
  }

  run(): void {
    if (this.isBusy) return;
    const { pool } = this;
    for (let turn = 0; turn < 100; turn++) {
      const at = pool.pollTimeout();
      if (at !== undefined && at <= this.now) pool.handleTimeout(this.now);
      let isIdle = true;
      for (let t = pool.pollTransmit(); t !== undefined; t = pool.pollTransmit()) {
        this.onSend?.(t.to.socket, t.bytes);
        this.#sockets.get(t.to.socket)?.send(t.to, t.bytes);
        isIdle = false;
      }
      for (let e = pool.pollEvent(); e !== undefined; e = pool.pollEvent()) {
        isIdle = false;
        if (e.type === 'doubtful') {
          this.doubts += 1;
          continue;
        }
        for (let event = e.agent.pollEvent(); event !== undefined; event = e.agent.pollEvent()) {
          this.#listeners.get(e.agent)?.(event);
        }
      }
      if (isIdle) {
        this.#arm();
        return;
      }
    }
    throw new Error('the pool never comes to rest');
  }

  #receive(socket: number, from: { host: string; port: number }, bytes: Uint8Array): void {
    if (this.isBusy) {
      this.#unread.push(() => this.#receive(socket, from, bytes));
      return;
    }
    this.pool.handleDatagram(this.now, { socket, ...from }, bytes);
    this.run();
  }

  #arm(): void {
    const at = this.pool.pollTimeout() ?? Number.POSITIVE_INFINITY;
    if (at >= this.#timerAt) return;
    this.#timerAt = at;
    this.#clock.after(at - this.now, () => {
      if (this.#timerAt !== at) return; // an earlier one was armed meanwhile, and arms the next
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.run();
    });
  }
}

/** Answers Binding requests on a machine. */
export function openStunServer(machine: SimHost): { host: string; port: number } {
  const [host = ''] = machine.addresses;
  const socket = machine.open(host, 3478, (from, bytes) => {
    const answer = bindingResponse(bytes, from);
    if (answer !== undefined) socket.send(from, answer);
  });
  return socket.address;
}

/**
 * What a TURN relay does to datagrams, without TURN: an address of its own for each allocation,
 * permissions by IP address (RFC 8656 §9), and a way to the client that always works, as TCP does.
 */
export class SimRelay {
  readonly #clock: VirtualClock;
  readonly #machine: SimHost;
  readonly #latencyMs: number;

  constructor(clock: VirtualClock, machine: SimHost, latencyMs: number) {
    this.#clock = clock;
    this.#machine = machine;
    this.#latencyMs = latencyMs;
  }

  get host(): string {
    return this.#machine.addresses[0] ?? '';
  }

  allocate(receive: (from: { host: string; port: number }, bytes: Uint8Array) => void): SimSocket {
    const permitted = new Set<string>();
    let isOpen = true;
    const relayed = this.#machine.open(this.host, 0, (from, bytes) => {
      if (!permitted.has(from.host)) return;
      this.#clock.after(this.#latencyMs, () => {
        if (isOpen) receive(from, bytes);
      });
    });
    return {
      address: relayed.address,
      send: (to, bytes) => {
        this.#clock.after(this.#latencyMs, () => {
          permitted.add(to.host);
          relayed.send(to, bytes);
        });
      },
      close: () => {
        isOpen = false;
        relayed.close();
      },
    };
  }
}
