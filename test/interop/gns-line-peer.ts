import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** One line of a peer: interop/gns-native/README.md lists them. */
export interface PeerEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A process that takes the commands of interop/gns-native and tells its events, a JSON object a line. */
export class LinePeer implements AsyncDisposable {
  readonly events: PeerEvent[] = [];
  /** Sees each event first; true takes it. */
  intercept: (event: PeerEvent) => boolean = () => false;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Set<() => void>();
  readonly #errors: string[] = [];

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event: PeerEvent = JSON.parse(line);
      if (!this.intercept(event)) this.events.push(event);
      for (const look of [...this.#waiting]) look();
    });
    child.stdin.on('error', () => {}); // it has ended: whoever waits for an answer says so
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (this.#errors.length < 20) this.#errors.push(line);
    });
  }

  /** What was told and not taken is of no interest any more. */
  forget(): void {
    this.events.length = 0;
  }

  tell(op: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#child.stdin.write(`${JSON.stringify({ op, ...fields })}\n`);
  }

  /** The first event of that name, past or to come, with these fields; taken once. */
  async next(
    event: string,
    fields: Readonly<Record<string, unknown>> = {},
    timeoutMs = 15_000,
  ): Promise<PeerEvent> {
    const take = (): PeerEvent | undefined => {
      const at = this.events.findIndex(
        (e) => e.event === event && Object.entries(fields).every(([k, v]) => e[k] === v),
      );
      return at < 0 ? undefined : this.events.splice(at, 1)[0];
    };
    const known = take();
    if (known !== undefined) return known;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const seen = this.events.slice(-5).map((e) => JSON.stringify(e));
        const what = `the peer said no ${event} ${JSON.stringify(fields)}`;
        reject(new Error([what, ...seen, ...this.#errors].join('\n')));
      }, timeoutMs);
      const look = (): void => {
        const found = take();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
