import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export type Kind = 'ours' | 'native';

interface Count {
  readonly messages: number;
  readonly bytes: number;
  readonly usec: number;
  readonly cpuUsec: number;
  readonly residentBytes: number;
  /** Of a Node process: heap and buffers. */
  readonly heldBytes?: number;
}

const LIMIT_MS = 30_000;
const QUIT_MS = 1000;
/** ESteamNetworkingConnectionState. */
const NATIVE_CONNECTED = 3;

function nativeProgram(): string {
  const { GNS_NATIVE, XDG_CACHE_HOME } = process.env;
  const cache = XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const path = GNS_NATIVE ?? join(cache, 'partyline/gns-native/release/gns-native');
  if (existsSync(path)) return path;
  throw new Error('build the native peer first: interop/gns-native/build.sh');
}

/** One end in a process of its own: JSON lines, see interop/gns-native/README.md. */
export class End implements AsyncDisposable {
  readonly kind: Kind;
  readonly #child: ChildProcess;
  /** Events that nobody has asked for yet: few, since only answers are. */
  readonly #events: Record<string, unknown>[] = [];
  #look = (): void => {};

  static async start(kind: Kind): Promise<End> {
    const program = new URL('end.ts', import.meta.url).pathname;
    // For a profile of both ends: NODE_ARGS='--cpu-prof --cpu-prof-dir=DIR' npm run bench -- gns
    const { NODE_ARGS = '' } = process.env;
    const extra = NODE_ARGS.split(' ').filter((arg) => arg !== '');
    const ours = [process.execPath, ...extra, '--expose-gc', '--import', 'tsx', program];
    const [command = '', ...args] = kind === 'ours' ? ours : [nativeProgram(), 'str:native'];
    const end = new End(kind, spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] }));
    await end.next('ready');
    return end;
  }

  private constructor(kind: Kind, child: ChildProcess) {
    this.kind = kind;
    this.#child = child;
    if (child.stdout === null) throw new Error('no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#events.push(JSON.parse(line));
      this.#look();
    });
    child.once('exit', (code, signal) => {
      this.#events.push({ event: 'error', message: `the end exited: ${signal ?? code}` });
      this.#look();
    });
  }

  tell(op: string, fields: object = {}): void {
    this.#child.stdin?.write(`${JSON.stringify({ op, ...fields })}\n`);
  }

  /** By number of ESteamNetworkingConfigValue. */
  config(values: Readonly<Record<number, number>>): void {
    for (const [value, int] of Object.entries(values))
      this.tell('config', { value: Number(value), int });
  }

  /** The first event of that name from now on or waiting; other events before it are dropped. */
  async next(name: string): Promise<Record<string, unknown>> {
    const late = AbortSignal.timeout(LIMIT_MS);
    for (;;) {
      const event = this.#events.shift();
      if (event?.event === name) return event;
      if (event?.event === 'error') throw new Error(`${this.kind}: ${event.message}`);
      if (event !== undefined) continue;
      await new Promise<void>((resolve, reject) => {
        this.#look = resolve;
        late.onabort = () => reject(new Error(`the ${this.kind} end said no ${name}`));
      });
    }
  }

  /** `collect` after a garbage collection, which takes time. */
  async count(collect = false): Promise<Count> {
    this.tell('count', { collect });
    // The end was told to answer with exactly this.
    return (await this.next('count')) as unknown as Count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.tell('quit');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), QUIT_MS);
    await exited;
    clearTimeout(timer);
  }
}

/** What both ends of a kind are told, so that no default is what is measured: no rate but GNS's clamp. */
const MAX_RATE = 100 * 1024 * 1024;
const settings = {
  9: 4 * 1024 * 1024, // SendBufferSize
  10: MAX_RATE, // SendRateMin
  11: MAX_RATE, // SendRateMax
  47: 8 * 1024 * 1024, // RecvBufferSize
  48: 200_000, // RecvBufferMessages
} as const;

/** A server and a client; `dial` connects them. */
export class Pair implements AsyncDisposable {
  readonly server: End;
  readonly client: End;
  readonly address: string;

  static async start(client: Kind, server: Kind): Promise<Pair> {
    const [a, b] = await Promise.all([End.start(server), End.start(client)]);
    for (const end of [a, b]) {
      end.config(settings);
      end.tell('idle', { usec: 50 });
      end.tell('receive', { mode: 'load' });
    }
    a.tell('listen', { address: '127.0.0.1:0' });
    const { port } = await a.next('listening');
    return new Pair(a, b, `127.0.0.1:${port}`);
  }

  private constructor(server: End, client: End, address: string) {
    this.server = server;
    this.client = client;
    this.address = address;
  }

  /** The client's connection, once it stands. */
  async dial(): Promise<number> {
    this.client.tell('connect', { address: this.address });
    const { conn } = await this.client.next('dialled');
    await sleep(200);
    return Number(conn);
  }

  /** Does the client's connection still stand? Both makes say so in their own words. */
  async isConnected(conn: number): Promise<boolean> {
    this.client.tell('status', { conn });
    const { state } = await this.client.next('status');
    return state === 'connected' || state === NATIVE_CONNECTED;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

/** What one end counted between two moments. */
export interface Span {
  readonly seconds: number;
  readonly messages: number;
  readonly bytes: number;
  readonly cpuSeconds: number;
}

export async function span(ends: readonly End[], ms: number): Promise<Span[]> {
  const before = await Promise.all(ends.map((end) => end.count()));
  await sleep(ms);
  const after = await Promise.all(ends.map((end) => end.count()));
  return after.map((now, i) => {
    const then = before[i] ?? now;
    return {
      seconds: (now.usec - then.usec) / 1e6,
      messages: now.messages - then.messages,
      bytes: now.bytes - then.bytes,
      cpuSeconds: (now.cpuUsec - then.cpuUsec) / 1e6,
    };
  });
}
