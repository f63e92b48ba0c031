import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** One line of the native peer: interop/gns-native/README.md lists them. */
export interface NativeEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** GNS configuration numbers (`ESteamNetworkingConfigValue`) that tests set in the native peer. */
export const NativeConfig = {
  TimeoutInitial: 24,
  TimeoutConnected: 25,
  SendBufferSize: 9,
  RecvBufferSize: 47,
  RecvBufferMessages: 48,
  SendRateMin: 10,
  SendRateMax: 11,
  NagleTime: 12,
  IpAllowWithoutAuth: 23,
  IpLocalHostAllowWithoutAuth: 52,
  Unencrypted: 34,
  SendTimeSincePreviousPacket: 59,
  FakePacketLossSend: 2,
  FakePacketLossRecv: 3,
  FakePacketReorderSend: 6,
  FakePacketReorderRecv: 7,
  FakePacketReorderTime: 8,
  FakePacketDupSend: 26,
  FakePacketDupRecv: 27,
  FakePacketDupTimeMax: 28,
  P2pTransportIceEnable: 104,
  P2pTransportIceImplementation: 110,
} as const;

const FLOATS: ReadonlySet<number> = new Set([2, 3, 6, 7, 26, 27]);

function findBinary(): string | undefined {
  const { GNS_NATIVE, XDG_CACHE_HOME, CI } = process.env;
  const cache = XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const path = GNS_NATIVE ?? join(cache, 'partyline/gns-native/release/gns-native');
  if (existsSync(path)) return path;
  if (CI) throw new Error('CI must build the native peer: interop/gns-native/build.sh');
  return undefined;
}

/** `undefined` where it was not built; tests then skip, and fail in CI. */
export const nativeBinary: string | undefined = findBinary();

/** Valve's library as a process. */
export class NativePeer implements AsyncDisposable {
  readonly events: NativeEvent[] = [];
  /** Sees each event first; true takes it. */
  intercept: (event: NativeEvent) => boolean = () => false;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Set<() => void>();

  static async start(identity?: string): Promise<NativePeer> {
    const args = identity === undefined ? [] : [identity];
    const peer = new NativePeer(spawn(nativeBinary ?? '', args));
    await peer.next('ready');
    return peer;
  }

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event: NativeEvent = JSON.parse(line);
      if (!this.intercept(event)) this.events.push(event);
      for (const look of [...this.#waiting]) look();
    });
    child.stdin.on('error', () => {}); // it has ended: whoever waits for an answer says so
    child.stderr.resume();
  }

  tell(op: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#child.stdin.write(`${JSON.stringify({ op, ...fields })}\n`);
  }

  /** Settles when it holds. */
  async config(values: Partial<Record<keyof typeof NativeConfig, number>>): Promise<void> {
    for (const [name, value] of Object.entries(values)) {
      // Object.entries forgets that the names are those of the table.
      const number = NativeConfig[name as keyof typeof NativeConfig];
      this.tell('config', { value: number, [FLOATS.has(number) ? 'float' : 'int']: value });
      await this.next('configured', { value: number });
    }
  }

  async configText(values: Partial<Record<keyof typeof NativeText, string>>): Promise<void> {
    for (const [name, text] of Object.entries(values)) {
      // Object.entries forgets that the names are those of the table.
      const value = NativeText[name as keyof typeof NativeText];
      this.tell('configText', { value, text });
      await this.next('configured', { value });
    }
  }

  /** What it does with messages from now on: says each, counts them, or sends them back. */
  async receive(mode: 'events' | 'tally' | 'echo'): Promise<void> {
    this.tell('receive', { mode });
    await this.next('receiving');
  }

  /** The first event of that name, past or to come, with these fields; taken once. */
  async next(
    event: string,
    fields: Readonly<Record<string, unknown>> = {},
    timeoutMs = 15_000,
  ): Promise<NativeEvent> {
    const take = (): NativeEvent | undefined => {
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
        reject(
          new Error(`the native peer said no ${event} ${JSON.stringify(fields)}; last ${seen}`),
        );
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

  async listen(address = '127.0.0.1:0'): Promise<number> {
    this.tell('listen', { address });
    return Number((await this.next('listening')).port);
  }

  async dial(port: number, host = '127.0.0.1'): Promise<number> {
    this.tell('connect', { address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` });
    return Number((await this.next('dialled')).conn);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** Those that hold text. */
export const NativeText = {
  StunServerList: 103,
  TurnServerList: 107,
  TurnUserList: 108,
  TurnPassList: 109,
} as const;

/** `ESteamNetworkingConnectionState` */
export const NativeState = {
  Connecting: 1,
  FindingRoute: 2,
  Connected: 3,
  ClosedByPeer: 4,
  Problem: 5,
} as const;
