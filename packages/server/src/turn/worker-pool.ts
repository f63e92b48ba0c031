import { createHash } from 'node:crypto';
import type { TurnUsage } from 'partyline/protocol/turn-server';
import type { Cancel, Clock } from '../base/index.ts';
import type { ListenAddress, TlsFiles } from '../config/index.ts';
import type { PortSlices } from './port-slices.ts';
import { sumStats } from './relay-stats.ts';
import { RelayWorker } from './relay-worker.ts';
import { ShareLedger } from './share-ledger.ts';
import type { Sibling } from './sibling-trunk.ts';
import type { TurnCredentials } from './turn-credentials.ts';
import type {
  ElsewhereChange,
  RelayStats,
  ShareChange,
  ToWorker,
  WorkerStart,
} from './worker-messages.ts';

/** A worker that ends is started again after this, twice as long each time, up to the second. */
const RESTART_MS = 250;
const MAX_RESTART_MS = 10_000;
/** After so long it counts as sound again. */
const SOUND_MS = 60_000;

/** A relay in this process that shares addresses, ports and quotas with the workers. */
export interface LocalMember {
  readonly sibling: Sibling;
  setSiblings(siblings: readonly Sibling[], listening: readonly number[]): void;
  setElsewhere(change: ElsewhereChange): void;
}

export interface WorkerPoolOptions {
  readonly clock: Clock;
  /** Default: what stands beside this file. */
  readonly program?: URL;
  readonly workers: number;
  /** Of the first worker; each further one hears on the next port. Port 0: any free one. */
  readonly listen: readonly ListenAddress[];
  readonly common: Omit<WorkerStart, 'name' | 'listen' | 'ports' | 'sessions' | 'users' | 'secret'>;
  readonly users: ReadonlyMap<string, string>;
  readonly secret: string | undefined;
  readonly credentials: TurnCredentials;
  readonly slices: PortSlices;
  /** For people who operate it: a worker that ended, a socket that failed. */
  report(message: string): void;
}

interface Place {
  readonly index: number;
  worker: RelayWorker | undefined;
  /** The one it was given, so that a new worker is found where the old one was. */
  port: number;
  restartMs: number;
  startedAtMs: number;
  cancelRestart: Cancel;
}

/** The id of the relay in this process; workers have theirs from 0. */
const LOCAL = -1;

/**
 * Several relays, each a process with a port of its own: what one player sends is one worker's, so
 * nothing is passed on, and the end of one touches nobody else's.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #places: Place[];
  readonly #ledger = new ShareLedger();
  /** The sum of workers that ended. */
  #past: RelayStats[] = [];
  #local: LocalMember | undefined;
  #tls: TlsFiles | undefined;
  #isClosed = false;

  /** @throws the system's error, with everything closed again */
  static async open(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    try {
      await Promise.all(pool.#places.map((place) => pool.#startAt(place)));
    } catch (error) {
      await pool.close();
      throw error;
    }
    pool.#introduce();
    return pool;
  }

  private constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#tls = options.common.tls;
    this.#places = Array.from({ length: options.workers }, (_, index) => ({
      index,
      worker: undefined,
      port: 0,
      restartMs: RESTART_MS,
      startedAtMs: 0,
      cancelRestart: () => {},
    }));
  }

  /** Where each worker listens, the first one first; 0 for one that is being started again. */
  get ports(): number[] {
    return this.#places.map(({ worker }) => worker?.port ?? 0);
  }

  get pids(): number[] {
    return this.#workers().flatMap(({ pid }) => pid ?? []);
  }

  /** The same for all that a player does, as long as its worker lives. */
  portOf(player: string): number | undefined {
    const hash = createHash('sha256').update(player).digest().readUInt32BE(0);
    const running = this.#places.length;
    for (let step = 0; step < running; step++) {
      const { worker } = this.#places[(hash + step) % running] ?? {};
      if (worker) return worker.port;
    }
    return undefined;
  }

  /** The relay of this process is one of the siblings. */
  join(local: LocalMember): void {
    this.#local = local;
    this.#introduce();
  }

  /** What the relay of this process has of a name. */
  localShare(change: ShareChange): void {
    this.#shared(LOCAL, [change]);
  }

  /** Of each worker, and of those that are gone: what was counted once stays counted. */
  stats(): RelayStats[] {
    return [...this.#past, ...this.#workers().flatMap(({ stats }) => stats ?? [])];
  }

  async usage(): Promise<TurnUsage[]> {
    const answers = await Promise.all(this.#workers().map((worker) => worker.usage()));
    return answers.flat();
  }

  tell(message: ToWorker): void {
    if (message.type === 'tls') this.#tls = message.tls;
    for (const worker of this.#workers()) worker.tell(message);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const place of this.#places) place.cancelRestart();
    await Promise.all(this.#workers().map((worker) => worker.stop()));
  }

  #workers(): RelayWorker[] {
    return this.#places.flatMap(({ worker }) => worker ?? []);
  }

  async #startAt(place: Place): Promise<void> {
    const { program, clock, listen, common, credentials, users, secret, slices } = this.#options;
    const slice = slices.take();
    const start: WorkerStart = {
      ...{ ...common, users, secret, ports: slice, tls: this.#tls },
      name: `relay worker ${place.index + 1}`,
      listen: listen.map(({ host, port }) => ({
        host,
        port: port === 0 ? place.port : port + place.index,
      })),
      sessions: [...credentials.liveSessions],
    };
    const url = program ?? new URL('./worker-program.js', import.meta.url);
    try {
      const worker = await RelayWorker.open(url, start, clock, {
        shares: (changes) => this.#shared(place.index, changes),
        error: (message) => this.#options.report(message),
        ended: (reason) => this.#ended(place, reason),
      });
      place.worker = worker;
      place.port = worker.port;
      this.#catchUp(worker);
      place.startedAtMs = clock.nowMs();
    } catch (error) {
      slices.give(slice);
      throw error;
    }
    if (this.#isClosed) await place.worker.stop();
  }

  /** What happened to sessions while it started. */
  #catchUp(worker: RelayWorker): void {
    const known = new Set(worker.start.sessions);
    for (const session of this.#options.credentials.liveSessions) {
      if (!known.delete(session)) worker.tell({ type: 'allowSession', session });
    }
    for (const session of known) worker.tell({ type: 'endSession', session });
  }

  #ended(place: Place, reason: string): void {
    const { worker } = place;
    if (!worker || this.#isClosed) return;
    place.worker = undefined;
    if (worker.stats) {
      this.#past = [
        [...this.#past, { ...worker.stats, allocations: 0, streams: 0 }].reduce(sumStats),
      ];
    }
    this.#options.slices.give(worker.start.ports);
    this.#shared(place.index, this.#ledger.ofMember(place.index));
    this.#introduce();
    const { clock } = this.#options;
    if (clock.nowMs() - place.startedAtMs > SOUND_MS) place.restartMs = RESTART_MS;
    this.#options.report(
      `${worker.start.name} ${reason}; it is started again in ${place.restartMs} ms`,
    );
    this.#restartLater(place);
  }

  #restartLater(place: Place): void {
    const waitMs = place.restartMs;
    place.restartMs = Math.min(2 * waitMs, MAX_RESTART_MS);
    place.cancelRestart = this.#options.clock.after(waitMs, () => {
      this.#startAt(place).then(
        () => this.#introduce(),
        (error: unknown) => {
          if (this.#isClosed) return;
          this.#options.report(`a relay worker cannot start: ${String(error)}`);
          this.#restartLater(place);
        },
      );
    });
  }

  /** Everybody learns who the others are, where they are heard, and what they have. */
  #introduce(): void {
    const local = this.#local?.sibling;
    const workers = this.#workers();
    const listening = workers.flatMap(({ port, sibling }) => [port, sibling.trunkPort]);
    if (local) listening.push(local.trunkPort);
    for (const { index, worker } of this.#places) {
      if (!worker) continue;
      const others = workers.filter((other) => other !== worker).map(({ sibling }) => sibling);
      const siblings = local ? [...others, local] : others;
      worker.tell({ type: 'siblings', siblings, listening });
      worker.tell({ type: 'elsewhere', changes: this.#ledger.seenFrom(index) });
    }
    this.#local?.setSiblings(
      workers.map(({ sibling }) => sibling),
      listening,
    );
  }

  #shared(member: number, changes: readonly ShareChange[]): void {
    const members = this.#places.filter(({ worker }) => worker).map(({ index }) => index);
    if (this.#local) members.push(LOCAL);
    const told = new Map<number, ElsewhereChange[]>();
    for (const change of changes) {
      for (const [other, elsewhere] of this.#ledger.set(member, change, members)) {
        const list = told.get(other) ?? [];
        list.push(elsewhere);
        told.set(other, list);
      }
    }
    for (const [other, list] of told) {
      if (other === LOCAL) for (const change of list) this.#local?.setElsewhere(change);
      else this.#places[other]?.worker?.tell({ type: 'elsewhere', changes: list });
    }
  }
}
