import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LinePeer } from './gns-line-peer.ts';

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
export class NativePeer extends LinePeer {
  /** `run` starts it elsewhere than here. */
  static async start(
    identity?: string,
    run: (program: string, args: string[]) => ChildProcessWithoutNullStreams = spawn,
  ): Promise<NativePeer> {
    const args = identity === undefined ? [] : [identity];
    const peer = new NativePeer(run(nativeBinary ?? '', args));
    await peer.next('ready');
    return peer;
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

  async listen(address = '127.0.0.1:0'): Promise<number> {
    this.tell('listen', { address });
    return Number((await this.next('listening')).port);
  }

  async dial(port: number, host = '127.0.0.1'): Promise<number> {
    this.tell('connect', { address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` });
    return Number((await this.next('dialled')).conn);
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
