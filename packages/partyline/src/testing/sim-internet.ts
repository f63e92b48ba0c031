import type { Scheduler } from '../base/index.ts';
import type { NatBox, SimAddress } from './nat-box.ts';
import { mulberry32 } from './random.ts';
import type { LinkConditions } from './sim-network.ts';

/** What answers to an address of a segment: a machine, or the NAT in front of another segment. */
type Node = SimHost | SimLan;

/** A network whose machines reach each other without translation. */
interface Segment {
  readonly nodes: Map<string, Node>;
  /** The NAT on the way out; `undefined` for the internet itself. */
  readonly gateway: SimLan | undefined;
}

export interface SimSocket {
  readonly address: SimAddress;
  send(to: SimAddress, bytes: Uint8Array): void;
  close(): void;
}

type Receive = (from: SimAddress, bytes: Uint8Array) => void;

/**
 * Machines on the internet and in private networks behind NATs, also one behind another. Every
 * datagram crosses one link with the given conditions, whatever it passes.
 */
export class SimInternet {
  readonly scheduler: Scheduler;
  /** May be changed while running. */
  conditions: LinkConditions;
  readonly #random: () => number;
  readonly #root: Segment = { nodes: new Map(), gateway: undefined };
  /** Longer datagrams are dropped, in bytes of UDP payload. Default: none is too long. */
  mtuBytes: number = Number.POSITIVE_INFINITY;
  /** Datagrams that nobody was to receive, dropped by NATs or sent to nobody. */
  dropped = 0;

  constructor(scheduler: Scheduler, conditions: LinkConditions = {}, seed = 1) {
    this.scheduler = scheduler;
    this.conditions = conditions;
    this.#random = mulberry32(seed);
  }

  /** A machine with public addresses. */
  host(...addresses: readonly string[]): SimHost {
    return new SimHost(this, this.#root, addresses);
  }

  /** A private network behind a NAT, on the internet or in another private network. */
  lan(nat: NatBox, outer?: SimLan): SimLan {
    return new SimLan(this, outer?.inner ?? this.#root, nat);
  }

  /** Sends from a machine's address; called by sockets. */
  send(segment: Segment, from: SimAddress, to: SimAddress, bytes: Uint8Array): void {
    const { latencyMs = 0, jitterMs = 0, loss = 0, duplicate = 0 } = this.conditions;
    if (this.#random() < loss || bytes.length > this.mtuBytes) return;
    const copies = duplicate > 0 && this.#random() < duplicate ? 2 : 1;
    // The NATs on the way out see it now, those on the way in when it arrives.
    const arrive = this.#leave(segment, from, to);
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = latencyMs + this.#random() * jitterMs;
      this.scheduler.after(delayMs, () => arrive?.(bytes));
    }
  }

  #leave(
    segment: Segment,
    from: SimAddress,
    to: SimAddress,
  ): ((bytes: Uint8Array) => void) | undefined {
    let source = from;
    for (let here: Segment = segment; ; ) {
      const { gateway } = here;
      const node = here.nodes.get(to.host);
      const arrivesAt = source;
      if (node !== undefined) return (bytes) => this.#arrive(node, arrivesAt, to, bytes);
      if (gateway === undefined) break;
      const now = this.scheduler.now();
      const isOwn = to.host === gateway.nat.host;
      if (isOwn && !gateway.nat.hairpins) break;
      const mapped = gateway.nat.outbound(now, source, to);
      if (mapped === undefined) break;
      if (isOwn) return (bytes) => this.#arrive(gateway, mapped, to, bytes);
      source = mapped;
      here = gateway.outer;
    }
    this.dropped += 1;
    return undefined;
  }

  #arrive(node: Node, from: SimAddress, to: SimAddress, bytes: Uint8Array): void {
    if (node instanceof SimHost) {
      node.deliver(to, from, bytes);
      return;
    }
    const inner = node.nat.inbound(this.scheduler.now(), from, to);
    const next = inner && node.inner.nodes.get(inner.host);
    if (inner === undefined || next === undefined) this.dropped += 1;
    else this.#arrive(next, from, inner, bytes);
  }
}

/** A private network. */
export class SimLan {
  readonly nat: NatBox;
  readonly inner: Segment;
  readonly outer: Segment;
  readonly #internet: SimInternet;

  constructor(internet: SimInternet, outer: Segment, nat: NatBox) {
    this.#internet = internet;
    this.nat = nat;
    this.outer = outer;
    this.inner = { nodes: new Map(), gateway: this };
    outer.nodes.set(nat.host, this);
  }

  /** A machine in it. */
  host(...addresses: readonly string[]): SimHost {
    return new SimHost(this.#internet, this.inner, addresses);
  }

  /** As {@link NatBox.rebind}, and who sends to the old address reaches nobody. */
  rebind(host?: string): void {
    this.outer.nodes.delete(this.nat.host);
    this.nat.rebind(host);
    this.outer.nodes.set(this.nat.host, this);
  }
}

/** A machine with sockets. */
export class SimHost {
  readonly addresses: readonly string[];
  readonly #internet: SimInternet;
  readonly #segment: Segment;
  readonly #sockets = new Map<string, Receive>();
  #nextPort = 40_000;

  constructor(internet: SimInternet, segment: Segment, addresses: readonly string[]) {
    this.#internet = internet;
    this.#segment = segment;
    this.addresses = addresses;
    for (const address of addresses) segment.nodes.set(address, this);
  }

  /** Opens a UDP socket; port 0 takes the next one. */
  open(host: string, port: number, receive: Receive): SimSocket {
    const address = { host, port: port === 0 ? this.#nextPort++ : port };
    const key = `${host} ${address.port}`;
    if (this.#sockets.has(key)) throw new Error(`${key} is taken`);
    this.#sockets.set(key, receive);
    return {
      address,
      send: (to, bytes) => {
        if (this.#sockets.has(key)) this.#internet.send(this.#segment, address, to, bytes);
      },
      close: () => void this.#sockets.delete(key),
    };
  }

  /** A datagram has come for one of its addresses; called by the internet. */
  deliver(to: SimAddress, from: SimAddress, bytes: Uint8Array): void {
    this.#sockets.get(`${to.host} ${to.port}`)?.(from, bytes);
  }
}
