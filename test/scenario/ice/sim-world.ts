import type { IceAgent, IceEvent, IceRole } from 'partyline/protocol/ice';
import {
  type LinkConditions,
  NatBox,
  natKinds,
  type SimHost,
  SimInternet,
  type SimLan,
  VirtualClock,
} from 'partyline/testing';
import { openStunServer, SimPeer, SimRelay } from './sim-peer.ts';
import type { Nat } from './truth-table.ts';

export interface WorldOptions {
  readonly nats: readonly [Nat, Nat];
  readonly hasRelay: boolean;
  /** Machines without a NAT have two addresses. Default false. */
  readonly hasTwoAddresses?: boolean;
  readonly conditions?: LinkConditions;
  /** Share of candidates that signaling loses, 0 to 1. Default 0. */
  readonly candidateLoss?: number;
  /** Share of candidates that come twice, 0 to 1. Default 0. */
  readonly candidateDuplicate?: number;
  /** Up to so many milliseconds later than all else one candidate in three comes. Default 0. */
  readonly candidateLateMs?: number;
  /** One-way delay of signaling, in milliseconds; each message draws up to twice of it. Default 10. */
  readonly signalMs?: number;
  readonly roles?: readonly [IceRole, IceRole];
  readonly dialect?: 'standard' | 'gns';
  readonly seed?: number;
}

/** One of the two players. */
export interface Player {
  readonly peer: SimPeer;
  readonly agent: IceAgent;
  readonly events: IceEvent[];
  readonly lan: SimLan | undefined;
  readonly machine: SimHost;
  readonly sockets: number[];
  /** Payloads that came, as text. */
  readonly received: string[];
}

/** Two players behind NATs of their choice, a STUN server, perhaps a relay, and signaling. */
export class SimWorld {
  readonly clock = new VirtualClock();
  readonly internet: SimInternet;
  readonly players: readonly [Player, Player];
  readonly #options: Required<WorldOptions>;
  readonly #random: () => number;

  constructor(options: WorldOptions) {
    this.#options = {
      conditions: { latencyMs: 10 },
      hasTwoAddresses: false,
      candidateLoss: 0,
      candidateDuplicate: 0,
      candidateLateMs: 0,
      signalMs: 10,
      roles: ['controlling', 'controlled'],
      dialect: 'standard',
      seed: 1,
      ...options,
    };
    const { conditions, seed } = this.#options;
    this.#random = randomOf(seed);
    this.internet = new SimInternet(this.clock, conditions, seed);
    const stun = openStunServer(this.internet.host('203.0.113.10'));
    const relay = new SimRelay(
      this.clock,
      this.internet.host('203.0.113.20'),
      conditions.latencyMs ?? 0,
    );
    this.players = [this.#addPlayer(0), this.#addPlayer(1)];
    for (const { peer, machine, sockets } of this.players) {
      peer.pool.addStunServer(peer.now, stun);
      sockets.push(...peer.openSockets(machine));
      if (options.hasRelay) peer.openRelay(relay, 'tcp');
      peer.pool.endOfSockets(peer.now);
      peer.run();
    }
    this.#introduce();
  }

  run(ms: number): void {
    this.clock.advance(ms);
  }

  /** Runs until both are connected or failed, at most `ms`. */
  settle(ms = 60_000): void {
    const isDone = (): boolean =>
      this.players.every(({ agent }) => agent.state === 'connected' || agent.state === 'failed');
    for (let waited = 0; waited < ms && !isDone(); waited += 10) this.run(10);
  }

  send(from: 0 | 1, text: string): boolean {
    const { peer, agent } = this.players[from];
    const isSent = agent.send(peer.now, new TextEncoder().encode(text));
    peer.touch(agent);
    return isSent;
  }

  #addPlayer(index: 0 | 1): Player {
    const { nats, roles, seed, dialect, hasTwoAddresses } = this.#options;
    const nat = nats[index];
    const events: IceEvent[] = [];
    const received: string[] = [];
    const peer = new SimPeer(this.clock, seed * 2 + index);
    const lan =
      nat === 'none'
        ? undefined
        : this.internet.lan(
            new NatBox({ host: `198.51.100.${index + 1}`, seed: seed + index, ...natKinds[nat] }),
          );
    const addresses = [101, 111].map((from) => `198.51.100.${index + from}`);
    const machine =
      lan?.host(`192.168.${index}.2`) ??
      this.internet.host(...(hasTwoAddresses ? addresses : addresses.slice(0, 1)));
    const agent = peer.openAgent({ role: roles[index], dialect }, (event) => {
      if (event.type === 'datagram') received.push(new TextDecoder().decode(event.bytes));
      else events.push(event);
      this.#signal(index, event);
    });
    return { peer, agent, events, lan, machine, sockets: [], received };
  }

  #introduce(): void {
    const [a, b] = this.players;
    this.#tell(b, () => b.agent.setRemoteCredentials(b.peer.now, a.agent.credentials));
    this.#tell(a, () => a.agent.setRemoteCredentials(a.peer.now, b.agent.credentials));
  }

  #signal(from: 0 | 1, event: IceEvent): void {
    const other = (): Player => this.players[from === 0 ? 1 : 0];
    this.clock.soon(() => {
      const { peer, agent } = other();
      if (event.type === 'localCandidate') {
        const { candidateLoss, candidateDuplicate, candidateLateMs } = this.#options;
        if (this.#random() < candidateLoss) return;
        const copies = this.#random() < candidateDuplicate ? 2 : 1;
        for (let copy = 0; copy < copies; copy++) {
          const lateMs = this.#random() < 1 / 3 ? this.#random() * candidateLateMs : 0;
          const add = (): void => void agent.addRemoteCandidate(peer.now, event.text);
          this.#tell(other(), add, lateMs);
        }
      } else if (event.type === 'endOfLocalCandidates') {
        this.#tell(other(), () => agent.endOfRemoteCandidates(peer.now));
      }
    });
  }

  #tell({ peer, agent }: Player, what: () => void, lateMs = 0): void {
    const delayMs = this.#options.signalMs * (1 + this.#random()) + lateMs;
    this.clock.after(delayMs, () => {
      what();
      peer.touch(agent);
    });
  }
}

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}
