import { MAX_VIRTUAL_PORT } from 'partyline/protocol/gns';
import { type ListenAddress, parseListenAddress } from '../../../config/index.ts';
import { countedLimits } from '../counted.ts';
import { type GnsCommand, parse, readIdentity, readWhole, UsageError } from '../options.ts';

/** Where signals go. */
export type SignalingTarget =
  /** GNS's trivial line protocol. */
  | { readonly type: 'trivial'; readonly address: ListenAddress }
  /** A lobby of our server. */
  | {
      readonly type: 'lobby';
      readonly server: string;
      readonly app: string;
      /** Without one a lobby is made, and its code told. */
      readonly code: string | undefined;
    };

export interface IceServerChoice {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

/** What `partyline gns p2p` was told to do. */
export interface P2pCommand {
  readonly role: 'client' | 'server' | 'symmetric';
  /** `undefined` where the server gives it. */
  readonly identity: string | undefined;
  readonly remote: string | undefined;
  readonly signaling: SignalingTarget;
  /** Signals that are thrown away, and sent twice, in percent. */
  readonly signalingLoss: number;
  readonly signalingDup: number;
  readonly iceServers: readonly IceServerChoice[];
  readonly icePolicy: 'all' | 'relay' | 'host';
  /** Addresses of this machine to use; empty for all. */
  readonly hosts: readonly string[];
  readonly virtualPort: number;
  readonly timeoutMs: number | undefined;
  /** Plays the real `test_p2p` in that seat: so many ticks, so often. */
  readonly profile: { readonly ticks: number; readonly repeat: number } | undefined;
  readonly expectFailure: boolean;
  /** What the connection is used for without a profile. */
  readonly job: GnsCommand;
}

const flags = {
  role: { type: 'string' },
  identity: { type: 'string' },
  remote: { type: 'string' },
  signaling: { type: 'string' },
  'signaling-loss': { type: 'string', default: '0' },
  'signaling-dup': { type: 'string', default: '0' },
  stun: { type: 'string', multiple: true },
  turn: { type: 'string', multiple: true },
  'turn-user': { type: 'string' },
  'turn-password': { type: 'string' },
  ice: { type: 'string', default: 'all' },
  host: { type: 'string', multiple: true },
  'virtual-port': { type: 'string', default: '0' },
  'timeout-ms': { type: 'string' },
  profile: { type: 'string' },
  ticks: { type: 'string', default: '40' },
  repeat: { type: 'string', default: '1' },
  'expect-failure': { type: 'boolean', default: false },
  echo: { type: 'boolean', default: false },
  count: { type: 'string' },
  size: { type: 'string', default: '100' },
  reliable: { type: 'boolean', default: false },
  stats: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  trace: { type: 'string' },
} as const;

const roles = ['client', 'server', 'symmetric'] as const;
const policies = ['all', 'relay', 'host'] as const;
const limits = {
  percent: { min: 0, max: 99 },
  ticks: { min: 1, max: 1_000_000 },
  repeat: { min: 1, max: 10_000 },
  timeoutMs: { min: 1, max: 600_000 },
  virtualPort: { min: 0, max: MAX_VIRTUAL_PORT },
} as const;

/** @throws UsageError saying what to change */
export function readP2pCommand(args: readonly string[]): P2pCommand {
  const { values, positionals } = parse(args, flags);
  const [strange] = positionals;
  if (strange !== undefined) throw new UsageError(`«${strange}» is no option of p2p.`);
  const { stun = [], turn = [], host: hosts = [] } = values;
  const role = choose('--role', roles, values.role);
  const signaling = readSignaling(values.signaling);
  const identity = readIdentity('--identity', values.identity);
  const remote = readIdentity('--remote', values.remote);
  if (signaling.type === 'trivial' && identity === undefined) {
    throw new UsageError('Say who you are: --identity str:NAME.');
  }
  if (signaling.type === 'trivial' && role !== 'server' && remote === undefined) {
    throw new UsageError('Say whom to call: --remote str:NAME.');
  }
  return {
    ...{ role, identity, remote, signaling },
    signalingLoss: readWhole('--signaling-loss', values['signaling-loss'], limits.percent),
    signalingDup: readWhole('--signaling-dup', values['signaling-dup'], limits.percent),
    iceServers: [
      ...stun.map((server) => ({ urls: withScheme('stun', server) })),
      ...turn.map((server) => ({
        urls: withScheme('turn', server),
        username: values['turn-user'] ?? '',
        credential: values['turn-password'] ?? '',
      })),
    ],
    icePolicy: choose('--ice', policies, values.ice),
    hosts,
    virtualPort: readWhole('--virtual-port', values['virtual-port'], limits.virtualPort),
    timeoutMs: optional(values['timeout-ms'], (text) =>
      readWhole('--timeout-ms', text, limits.timeoutMs),
    ),
    profile: readProfile(values),
    expectFailure: values['expect-failure'],
    job: jobOf(role, values),
  };
}

type Values = ReturnType<typeof parse<typeof flags>>['values'];

function readProfile({ profile, ticks, repeat }: Values): P2pCommand['profile'] {
  if (profile === undefined) return undefined;
  if (profile !== 'test_p2p') throw new UsageError(`--profile knows test_p2p, not «${profile}».`);
  return {
    ticks: readWhole('--ticks', ticks, limits.ticks),
    repeat: readWhole('--repeat', repeat, limits.repeat),
  };
}

/** The server's end does what `listen` does with its guest. */
function jobOf(role: P2pCommand['role'], values: Values): GnsCommand {
  const { echo, reliable, stats, json } = values;
  return {
    role: role === 'server' ? 'listen' : 'connect',
    target: { host: '::', port: 0 },
    ...{ echo, reliable, stats, json },
    count: optional(values.count, (text) => readWhole('--count', text, countedLimits.count)),
    size: readWhole('--size', values.size, countedLimits.size),
    identity: undefined,
    peer: undefined,
    certFile: undefined,
    ca: undefined,
    lanes: [{}],
    fakes: {},
    traceDir: values.trace,
    config: {},
  };
}

function readSignaling(text: string | undefined): SignalingTarget {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'tcp:') {
    const address = parseListenAddress(text?.slice('tcp://'.length) ?? '', '127.0.0.1');
    if (address !== undefined && address.port !== 0) return { type: 'trivial', address };
  }
  if (url?.protocol === 'wss:' || url?.protocol === 'ws:') {
    const app = url.searchParams.get('app');
    if (app === null)
      throw new UsageError('Say which app: wss://HOST/?app=APP, with &code=CODE to join.');
    const code = url.searchParams.get('code') ?? undefined;
    url.search = '';
    return { type: 'lobby', server: url.href, app, code };
  }
  throw new UsageError('--signaling takes tcp://HOST:PORT, or wss://HOST:PORT/?app=APP&code=CODE.');
}

function withScheme(scheme: 'stun' | 'turn', server: string): string {
  return /^(stuns?|turns?|wss?):/.test(server) ? server : `${scheme}:${server}`;
}

function choose<T extends string>(
  flag: string,
  choices: readonly T[],
  text: string | undefined,
): T {
  const choice = choices.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`${flag} takes ${choices.join(', ')}; not «${text ?? ''}».`);
}

function optional<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text === undefined ? undefined : read(text);
}
