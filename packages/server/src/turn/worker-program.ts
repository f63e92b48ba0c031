/**
 * A relay as a process of its own: what `WorkerPool` starts, and talks to by the channel of `fork`.
 * Ends with its parent; signals for the whole group are the parent's business.
 */
import { systemClock } from '../base/index.ts';
import { openWorkerRelay } from './open-worker-relay.ts';
import { TurnCredentials } from './turn-credentials.ts';
import type { TurnRelay } from './turn-relay.ts';
import type { FromWorker, ShareChange, ToWorker, WorkerStart } from './worker-messages.ts';

const STATS_MS = 1000;

class Worker {
  readonly #start: WorkerStart;
  readonly #credentials: TurnCredentials;
  readonly #changes = new Map<string, ShareChange>();
  #relay: TurnRelay | undefined;

  constructor(start: WorkerStart) {
    this.#start = start;
    this.#credentials = new TurnCredentials(systemClock, start);
    for (const session of start.sessions) this.#credentials.allowSession(session);
    process.title = `partyline ${start.name}`;
  }

  async run(): Promise<void> {
    try {
      const relay = await openWorkerRelay(this.#start, {
        clock: systemClock,
        credentials: this.#credentials,
        onShare: (change) => this.#shareChanged(change),
        onError: ({ message }) => tell({ type: 'error', message }),
      });
      this.#relay = relay;
      tell({ type: 'listening', port: relay.port, trunkPort: relay.trunkPort ?? 0 });
      setInterval(() => tell({ type: 'stats', stats: relay.stats() }), STATS_MS);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      tell({ type: 'failed', message, details: { ...(error instanceof Error ? error : {}) } });
    }
  }

  handle(message: ToWorker): void {
    const relay = this.#relay;
    switch (message.type) {
      case 'siblings':
        relay?.setSiblings(message.siblings, message.listening);
        break;
      case 'elsewhere':
        for (const { kind, name, allocations, places } of message.changes) {
          relay?.setElsewhere(kind, name, allocations, places);
        }
        break;
      case 'tls':
        relay?.reloadTls(message.tls);
        break;
      case 'allowSession':
        this.#credentials.allowSession(message.session);
        break;
      case 'endSession':
        this.#credentials.endSession(message.session);
        relay?.endSession(message.session);
        break;
      case 'endPlayer':
        relay?.endPlayer(message.player);
        break;
      case 'askUsage':
        tell({ type: 'usage', id: message.id, usage: relay?.usage() ?? [] });
        break;
      case 'start':
        break; // there is one, and it was the first
    }
  }

  /** All of one turn in one message: the last of a name is what counts. */
  #shareChanged(change: ShareChange): void {
    if (this.#changes.size === 0) {
      setImmediate(() => {
        tell({ type: 'shares', changes: [...this.#changes.values()] });
        this.#changes.clear();
      });
    }
    this.#changes.set(`${change.kind} ${change.name}`, change);
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

let worker: Worker | undefined;
// `fork` hands over what the pool sent: messages of ours alone.
process.on('message', (message: ToWorker) => {
  if (message.type !== 'start') worker?.handle(message);
  else {
    worker = new Worker(message.start);
    void worker.run();
  }
});
process.on('disconnect', () => process.exit(0));
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
