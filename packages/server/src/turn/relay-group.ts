import type { PortRange, TurnUsage } from 'partyline/protocol/turn-server';
import type { Clock } from '../base/index.ts';
import type { ListenAddress, TlsFiles } from '../config/index.ts';
import { openWorkerRelay } from './open-worker-relay.ts';
import { PortSlices } from './port-slices.ts';
import type { TurnCredentials } from './turn-credentials.ts';
import type { TurnRelay } from './turn-relay.ts';
import type { RelayRules, RelayStats, ShareChange } from './worker-messages.ts';
import { WorkerPool } from './worker-pool.ts';

export interface RelayGroupOptions {
  readonly clock: Clock;
  /** Of the relay in this process, or of the first worker. */
  readonly listen: readonly ListenAddress[];
  /** `none`: TCP of that port is another's. */
  readonly tcp: 'listen' | 'none';
  readonly tls: TlsFiles | undefined;
  readonly rules: RelayRules;
  readonly ports: PortRange;
  readonly ownPorts: readonly number[];
  readonly credentials: TurnCredentials;
  /** As given to `credentials`: workers check by themselves. */
  readonly users: ReadonlyMap<string, string>;
  readonly secret: string | undefined;
  readonly isSessionBound: boolean;
  /** Processes beside this one; 0: this one relays. */
  readonly workers: number;
  /** Whether this process takes connections that another listener accepted, beside its workers. */
  readonly takesStreams: boolean;
  /** For people who operate it. */
  report(message: string): void;
  onError(error: Error): void;
}

/** The relay of this program, in one process or several. */
export class RelayGroup implements AsyncDisposable {
  /** In this process; for streams that another listener accepted. */
  readonly local: TurnRelay | undefined;
  readonly hosts: readonly string[];
  readonly hasTls: boolean;
  readonly #pool: WorkerPool | undefined;
  readonly #credentials: TurnCredentials;

  /** @throws ConfigError, NetError or the system's error, with everything closed again */
  static async open(options: RelayGroupOptions): Promise<RelayGroup> {
    const { workers, ports } = options;
    if (workers === 0) {
      const { listen } = options;
      const relay = await openWorkerRelay({ ...options, allPorts: ports, listen }, hooks(options));
      return new RelayGroup(options, relay, undefined);
    }
    const slices = new PortSlices(ports, workers + (options.takesStreams ? 1 : 0));
    const pool = await openPool(options, slices);
    if (!options.takesStreams) return new RelayGroup(options, undefined, pool);
    try {
      return new RelayGroup(options, await openLocal(options, slices, pool), pool);
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  private constructor(
    { rules, tls, credentials }: RelayGroupOptions,
    local: TurnRelay | undefined,
    pool: WorkerPool | undefined,
  ) {
    this.local = local;
    this.#pool = pool;
    this.#credentials = credentials;
    this.hosts = rules.relays.map(({ host }) => host);
    this.hasTls = tls !== undefined;
  }

  /** Of UDP, and of TCP where it listens there; of the first worker. */
  get port(): number {
    return this.ports[0] ?? 0;
  }

  /** One for each process that listens. */
  get ports(): readonly number[] {
    return this.#pool?.ports ?? [this.local?.port ?? 0];
  }

  /** Of the workers; none when this process relays alone. */
  get pids(): readonly number[] {
    return this.#pool?.pids ?? [];
  }

  /** Where this player's UDP is heard; the same each time, as long as that worker lives. */
  portOf(player: string): number {
    return this.#pool ? (this.#pool.portOf(player) ?? 0) : this.port;
  }

  /** The sum of all; what workers have is a second old. */
  stats(): RelayStats {
    const all = [...(this.local ? [this.local.stats()] : []), ...(this.#pool?.stats() ?? [])];
    return all.reduce(sum, noStats);
  }

  async usage(): Promise<TurnUsage[]> {
    const all = [...(this.local?.usage() ?? []), ...((await this.#pool?.usage()) ?? [])];
    const players = new Map<string, TurnUsage>();
    for (const { player, allocations, relayedBytes } of all) {
      const known = players.get(player);
      players.set(player, {
        player,
        allocations: allocations + (known?.allocations ?? 0),
        relayedBytes: relayedBytes + (known?.relayedBytes ?? 0),
      });
    }
    return [...players.values()];
  }

  /** Credentials of this session were issued by us. */
  allowSession(session: string): void {
    this.#pool?.tell({ type: 'allowSession', session });
  }

  /** Ends what a session has allocated, and its credentials. */
  endSession(session: string): void {
    this.#credentials.endSession(session);
    this.local?.endSession(session);
    this.#pool?.tell({ type: 'endSession', session });
  }

  /** Ends what a player has allocated. */
  endPlayer(player: string): void {
    this.local?.endPlayer(player);
    this.#pool?.tell({ type: 'endPlayer', player });
  }

  reloadTls(tls: TlsFiles): void {
    this.local?.reloadTls(tls);
    this.#pool?.tell({ type: 'tls', tls });
  }

  async close(): Promise<void> {
    await Promise.all([this.local?.close(), this.#pool?.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function hooks(
  { clock, credentials, onError }: RelayGroupOptions,
  onShare: (change: ShareChange) => void = () => {},
): Parameters<typeof openWorkerRelay>[1] {
  return { clock, credentials, onShare, onError };
}

function openPool(options: RelayGroupOptions, slices: PortSlices): Promise<WorkerPool> {
  const { clock, workers, listen, credentials, users, secret, report } = options;
  const { tcp, tls, rules, ports, ownPorts, isSessionBound } = options;
  return WorkerPool.open({
    ...{ clock, workers, listen, credentials, users, secret, slices, report },
    common: { tcp, tls, rules, allPorts: ports, ownPorts, isSessionBound },
  });
}

/** The relay beside the workers: it listens nowhere, others hand it connections. */
async function openLocal(
  options: RelayGroupOptions,
  slices: PortSlices,
  pool: WorkerPool,
): Promise<TurnRelay> {
  const ports = slices.take();
  const start = { ...options, ports, allPorts: options.ports, listen: [], tcp: 'none' } as const;
  const relay = await openWorkerRelay(
    start,
    hooks(options, (change) => pool.localShare(change)),
  );
  pool.join({
    sibling: { ports, trunkPort: relay.trunkPort ?? 0 },
    setSiblings: (siblings, listening) => relay.setSiblings(siblings, listening),
    setElsewhere: ({ kind, name, allocations, places }) =>
      relay.setElsewhere(kind, name, allocations, places),
  });
  return relay;
}

const noStats: RelayStats = {
  bindings: 0,
  allocated: 0,
  relayedPackets: 0,
  relayedBytes: 0,
  refused: new Map(),
  malformed: 0,
  rateLimited: 0,
  unpermitted: 0,
  overBandwidth: 0,
  tooBig: 0,
  allocations: 0,
  streams: 0,
};

function sum(a: RelayStats, b: RelayStats): RelayStats {
  const refused = new Map(a.refused);
  for (const [code, count] of b.refused) refused.set(code, count + (refused.get(code) ?? 0));
  return {
    bindings: a.bindings + b.bindings,
    allocated: a.allocated + b.allocated,
    relayedPackets: a.relayedPackets + b.relayedPackets,
    relayedBytes: a.relayedBytes + b.relayedBytes,
    refused,
    malformed: a.malformed + b.malformed,
    rateLimited: a.rateLimited + b.rateLimited,
    unpermitted: a.unpermitted + b.unpermitted,
    overBandwidth: a.overBandwidth + b.overBandwidth,
    tooBig: a.tooBig + b.tooBig,
    allocations: a.allocations + b.allocations,
    streams: a.streams + b.streams,
  };
}
