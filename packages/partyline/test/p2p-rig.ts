import {
  type GnsConnection,
  type GnsEvent,
  type P2pAgent,
  P2pEndpoint,
  type P2pEndpointOptions,
  type P2pIce,
  selfMadeIdentity,
} from '../src/gns/index.ts';
import type {
  IceAgentOptions,
  IceCredentials,
  IceEvent,
  IceFailure,
  IceSelectedPair,
  IceState,
} from '../src/ice/index.ts';
import { mulberry32, seededBytes, VirtualClock } from '../src/testing/index.ts';
import { crypto } from './gns-rig.ts';

export interface P2pAirOptions {
  readonly seed?: number;
  /** Of signals, in percent. */
  readonly loss?: number;
  readonly duplicates?: number;
  /** Longest delay of a signal, in ms; any up to it happens. Default 5. */
  readonly delayMs?: number;
  /** Datagrams do not pass. */
  readonly isBlocked?: boolean;
}

const PATH_MS = 5;

/** Peers by identity, signaling between them that is as bad as wanted, and a path for each pair. */
export class P2pAir {
  readonly clock = new VirtualClock();
  readonly options: P2pAirOptions;
  readonly #random: () => number;
  readonly #hosts = new Map<string, P2pHost>();
  readonly agents: FakeAgent[] = [];
  /** Every signal that was sent. */
  readonly signals: { readonly from: string; readonly to: string; readonly bytes: Uint8Array }[] =
    [];
  isBlocked: boolean;

  constructor(options: P2pAirOptions = {}) {
    this.options = options;
    this.isBlocked = options.isBlocked ?? false;
    this.#random = mulberry32(options.seed ?? 1);
  }

  host(identity: string, options: P2pEndpointOptions = {}): P2pHost {
    const host = new P2pHost(this, identity, this.#hosts.size + 1, options);
    this.#hosts.set(identity, host);
    return host;
  }

  carry(from: string, to: string, bytes: Uint8Array): void {
    this.signals.push({ from, to, bytes });
    const { loss = 0, duplicates = 0, delayMs = 5 } = this.options;
    if (this.#random() * 100 < loss) return;
    const copies = this.#random() * 100 < duplicates ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      this.clock.after(this.#random() * delayMs, () => this.#hosts.get(to)?.hear(from, bytes));
    }
  }

  /** Until `isDone`; false when that took longer than `maxMs`. */
  runUntil(isDone: () => boolean, maxMs = 60_000): boolean {
    for (let spent = 0; spent < maxMs && !isDone(); spent += 1) this.clock.advance(1);
    return isDone();
  }
}

/** A peer: its endpoint, driven as a shell drives it. */
export class P2pHost {
  readonly endpoint: P2pEndpoint;
  readonly identity: string;
  readonly events: GnsEvent[] = [];
  readonly incoming: GnsConnection[] = [];
  accepts = true;
  readonly #air: P2pAir;
  #cancel: () => void = () => {};

  constructor(air: P2pAir, identity: string, seed: number, options: P2pEndpointOptions) {
    this.#air = air;
    this.identity = identity;
    const own = { ...crypto, randomBytes: seededBytes(seed * 1000 + (air.options.seed ?? 1)) };
    const ice: P2pIce = {
      open: (_now, agentOptions) => new FakeAgent(air, this, agentOptions),
      touch: () => {},
    };
    const local = selfMadeIdentity(own, identity);
    const setup = { crypto: own, local, epochMs: 1.8e12, ice };
    this.endpoint = new P2pEndpoint(setup, options);
  }

  get now(): number {
    return this.#air.clock.now();
  }

  hear(from: string, bytes: Uint8Array): void {
    this.endpoint.handleSignal(this.now, bytes, from);
    this.turn();
  }

  /** One turn of the event loop. */
  turn(): void {
    const { endpoint, now } = this;
    this.#cancel();
    endpoint.handleTimeout(now);
    this.#tell();
    endpoint.pump(now);
    for (let s = endpoint.pollSignal(); s !== undefined; s = endpoint.pollSignal()) {
      this.#air.carry(this.identity, s.to, s.bytes);
    }
    this.#tell();
    const at = endpoint.pollTimeout();
    if (at !== undefined) this.#cancel = this.#air.clock.after(at - now, () => this.turn());
  }

  #tell(): void {
    for (let e = this.endpoint.pollEvent(); e !== undefined; e = this.endpoint.pollEvent()) {
      this.events.push(e);
      if (e.type !== 'incoming') continue;
      this.incoming.push(e.connection);
      if (this.accepts) this.endpoint.accept(this.now, e.connection);
    }
  }
}

/** Two of them find each other when each knows the other's credentials and an address of it. */
export class FakeAgent implements P2pAgent {
  readonly credentials: IceCredentials;
  readonly role: IceAgentOptions['role'];
  state: IceState = 'new';
  failure: IceFailure | undefined;
  selectedPair: IceSelectedPair | undefined;
  readonly #air: P2pAir;
  readonly #host: P2pHost;
  readonly #remotes = new Set<string>();
  #remote: IceCredentials | undefined;
  #address: string;

  constructor(air: P2pAir, host: P2pHost, options: Omit<IceAgentOptions, 'crypto'>) {
    this.#air = air;
    this.#host = host;
    this.role = options.role;
    this.credentials = options.credentials ?? { ufrag: '', password: '' };
    air.agents.push(this);
    this.#address = `candidate:1 0 udp 1 10.0.0.${air.agents.length} 1000 typ host`;
    air.clock.after(0, () => {
      if (this.state === 'closed') return;
      const [host = '', port = ''] = this.#address.split(' ').slice(4);
      const about = { priority: 1, foundation: '1', component: 0 } as const;
      const candidate = { type: 'host', host, port: Number(port), ...about } as const;
      this.#say({ type: 'localCandidate', candidate, text: this.#address });
    });
  }

  setRemoteCredentials(_now: number, credentials: IceCredentials): void {
    this.#remote = credentials;
    this.#look();
  }

  addRemoteCandidate(_now: number, candidate: unknown): boolean {
    this.#remotes.add(String(candidate));
    this.#look();
    return true;
  }

  send(_now: number, bytes: Uint8Array): boolean {
    const other = this.#other();
    if (this.selectedPair === undefined) return false;
    const copy = bytes.slice();
    if (this.#air.isBlocked) return true;
    const route = this.selectedPair.route;
    if (other === undefined) return true;
    this.#air.clock.after(PATH_MS, () => other.#say({ type: 'datagram', bytes: copy, route }));
    return true;
  }

  close(): void {
    this.state = 'closed';
  }

  fail(failure: IceFailure): void {
    this.failure = failure;
    this.#say({ type: 'stateChanged', state: 'failed', previous: this.state, failure });
  }

  #say(event: IceEvent): void {
    if (this.state === 'closed') return;
    this.#host.endpoint.handleIce(this.#host.now, this, event);
    this.#host.turn();
  }

  #other(): FakeAgent | undefined {
    return this.#air.agents.find(
      (agent) =>
        agent.state !== 'closed' &&
        agent.role !== this.role &&
        same(agent.credentials, this.#remote) &&
        same(this.credentials, agent.#remote) &&
        this.#remotes.has(agent.#address),
    );
  }

  #look(): void {
    this.#air.clock.after(PATH_MS, () => {
      const other = this.#other();
      if (other === undefined || this.#air.isBlocked) return;
      this.#select(other);
      other.#select(this);
    });
  }

  #select(other: FakeAgent): void {
    if (this.selectedPair !== undefined || this.state === 'closed') return;
    const about = { priority: 1, foundation: '1', component: 0, type: 'host', port: 1 } as const;
    const local = { ...about, host: this.#address };
    const remote = { ...about, host: other.#address };
    const route = { socket: 1, host: other.#address, port: 1 };
    this.selectedPair = { local, remote, route, isRelayed: false, rttMs: 1, mtuBytes: 1200 };
    this.#say({ type: 'selectedPairChanged', pair: this.selectedPair, previous: undefined });
  }
}

function same(a: IceCredentials, b: IceCredentials | undefined): boolean {
  return a.ufrag === b?.ufrag && a.password === b.password;
}
