import { type ChildProcess, fork } from 'node:child_process';
import type { TurnUsage } from 'partyline/protocol/turn-server';
import type { Cancel, Clock } from '../base/index.ts';
import type { Sibling } from './sibling-trunk.ts';
import type {
  FromWorker,
  RelayStats,
  ShareChange,
  ToWorker,
  WorkerStart,
} from './worker-messages.ts';

/** No sign of life for so long: it hangs. */
const SILENCE_MS = 15_000;
const USAGE_MS = 2000;

/** What a worker tells the pool. */
export interface WorkerEvents {
  shares(changes: readonly ShareChange[]): void;
  error(message: string): void;
  /** It is gone, whatever the reason; not called when it was stopped. */
  ended(reason: string): void;
}

/** One relay in a process of its own, from start to end. */
export class RelayWorker {
  readonly start: WorkerStart;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #events: WorkerEvents;
  readonly #questions = new Map<number, (usage: readonly TurnUsage[]) => void>();
  #lastQuestion = 0;
  #cancelSilence: Cancel = () => {};
  #isStopped = false;
  #port = 0;
  #trunkPort = 0;
  #stats: RelayStats | undefined;

  /** @throws Error with the system's details when it cannot listen */
  static async open(
    program: URL,
    start: WorkerStart,
    clock: Clock,
    events: WorkerEvents,
  ): Promise<RelayWorker> {
    const child = fork(program, [], { serialization: 'advanced', execArgv: [] });
    const worker = new RelayWorker(child, start, clock, events);
    try {
      await worker.#listening();
    } catch (error) {
      await worker.stop();
      throw error;
    }
    return worker;
  }

  private constructor(child: ChildProcess, start: WorkerStart, clock: Clock, events: WorkerEvents) {
    this.#child = child;
    this.start = start;
    this.#clock = clock;
    this.#events = events;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** As its siblings see it. */
  get sibling(): Sibling {
    return { ports: this.start.ports, trunkPort: this.#trunkPort };
  }

  /** As of a second ago. */
  get stats(): RelayStats | undefined {
    return this.#stats;
  }

  tell(message: ToWorker): void {
    // What cannot be sent to a worker that ends is told anew to the next.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Empty when it does not answer in time. */
  usage(): Promise<readonly TurnUsage[]> {
    const id = ++this.#lastQuestion;
    return new Promise((resolve) => {
      const cancel = this.#clock.after(USAGE_MS, () => answer([]));
      const answer = (usage: readonly TurnUsage[]): void => {
        cancel();
        this.#questions.delete(id);
        resolve(usage);
      };
      this.#questions.set(id, answer);
      this.tell({ type: 'askUsage', id });
    });
  }

  /** Settles when the process is gone. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelSilence();
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL'); // it keeps nothing that an orderly end would save
    return gone;
  }

  #listening(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => reject(new Error(`a relay worker ${reason}`));
      this.#child.on('error', (error) => {
        this.#events.error(error.message);
        reject(error);
      });
      this.#child.once('exit', (code, signal) => {
        fail(`ended at its start (${signal ?? code})`);
        this.#ended(`ended (${signal ?? code})`);
      });
      // The channel carries what `worker-program` tells, and nothing else.
      this.#child.on('message', (message: FromWorker) => {
        if (message.type === 'listening') {
          this.#port = message.port;
          this.#trunkPort = message.trunkPort;
          this.#alive();
          resolve();
        } else if (message.type === 'failed') {
          reject(Object.assign(new Error(message.message), message.details));
        } else this.#handle(message);
      });
      this.tell({ type: 'start', start: this.start });
    });
  }

  #handle(message: FromWorker): void {
    switch (message.type) {
      case 'shares':
        this.#events.shares(message.changes);
        break;
      case 'stats':
        this.#stats = message.stats;
        this.#alive();
        break;
      case 'usage':
        this.#questions.get(message.id)?.(message.usage);
        break;
      case 'error':
        this.#events.error(message.message);
        break;
      default:
        break;
    }
  }

  #alive(): void {
    this.#cancelSilence();
    if (this.#isStopped) return;
    this.#cancelSilence = this.#clock.after(SILENCE_MS, () => {
      this.#events.error(`worker ${this.pid} gives no sign of life`);
      this.#child.kill('SIGKILL');
    });
  }

  #ended(reason: string): void {
    this.#cancelSilence();
    if (this.#port === 0 || this.#isStopped) return;
    this.#events.ended(reason);
  }
}
