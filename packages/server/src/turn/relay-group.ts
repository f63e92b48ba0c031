import type { PortRange, RelayAddress, TurnUsage } from 'partyline/protocol/turn-server';
import type { Clock } from '../base/index.ts';
import type { ListenAddress, TlsFiles } from '../config/index.ts';
import { openWorkerRelay } from './open-worker-relay.ts';
import { PortSlices } from './port-slices.ts';
import { noStats, sumStats } from './relay-stats.ts';
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
  readonly relays: readonly RelayAddress[];
  readonly hasTls: boolean;
  readonly #listenHosts: readonly string[];
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
    { rules, tls, credentials, listen }: RelayGroupOptions,
    local: TurnRelay | undefined,
    pool: WorkerPool | undefined,
  ) {
    this.local = local;
    this.#pool = pool;
    this.#credentials = credentials;
    this.#listenHosts = listen.map(({ host }) => host);
    this.relays = rules.relays;
    this.hasTls = tls !== undefined;
  }

  /** Where peers are sent from, as they see it. */
  get hosts(): string[] {
    return this.relays.map(({ host }) => host);
  }

  /** Of UDP, and of TCP where it listens there; of the first worker. */
  get port(): number {
    return this.ports[0] ?? 0;
  }

  /** One for each process that listens. */
  get ports(): readonly number[] {
    return this.#pool?.ports ?? [this.local?.port ?? 0];
  }

  /** Every address and port that is listened on. */
  get listening(): ListenAddress[] {
    return this.#listenHosts.flatMap((host) => this.ports.map((port) => ({ host, port })));
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
    return all.reduce(sumStats, noStats);
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
