import { type ParseArgsConfig, parseArgs } from 'node:util';
import { parseIdentity, printIdentity } from 'partyline/protocol/cert';
import { type FakeConditions, fakeLimits, type GnsOptions } from 'partyline/protocol/gns';
import type { LaneOptions } from 'partyline/protocol/snp';
import { type ListenAddress, parseListenAddress } from '../../config/index.ts';
import { countedLimits } from './counted.ts';

/** A mistake in the command line; the message is for the person who typed it. */
export class UsageError extends Error {}

/** What `partyline gns listen` or `connect` was told to do. */
export interface GnsCommand {
  readonly role: 'listen' | 'connect';
  readonly target: ListenAddress;
  readonly echo: boolean;
  /** Messages promised; `undefined` pipes standard input and output. */
  readonly count: number | undefined;
  readonly size: number;
  readonly reliable: boolean;
  readonly identity: string | undefined;
  /** Who the peer must be. */
  readonly peer: string | undefined;
  readonly certFile: string | undefined;
  readonly ca: string | undefined;
  readonly lanes: readonly LaneOptions[];
  /** What a bad network does to each direction; nothing without a `--fake-…`. */
  readonly fakes: FakeConditions;
  readonly traceDir: string | undefined;
  readonly stats: boolean;
  readonly json: boolean;
  readonly config: GnsOptions;
}

const flags = {
  echo: { type: 'boolean', default: false },
  count: { type: 'string' },
  size: { type: 'string', default: '100' },
  reliable: { type: 'boolean', default: false },
  identity: { type: 'string' },
  peer: { type: 'string' },
  cert: { type: 'string' },
  ca: { type: 'string' },
  lanes: { type: 'string', default: '1' },
  'send-rate': { type: 'string' },
  'fake-loss': { type: 'string' },
  'fake-lag': { type: 'string' },
  'fake-jitter': { type: 'string' },
  'fake-reorder': { type: 'string' },
  'fake-dup': { type: 'string' },
  trace: { type: 'string' },
  stats: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** GNS clamps the rate to these (`SNP_ClampSendRate`), in bytes/s. */
const SEND_RATE = { min: 1024, max: 104_857_600 } as const;
/** More cannot be spoken to stock GNS peers, whose encoder breaks from the ninth on. */
const MAX_TOOL_LANES = 8;
const MAX_LANE_WEIGHT = 0xffff;
/** Where everything is lost, nothing can be promised. */
const MAX_FAKE_LOSS_PERCENT = 99;

const certFlags = {
  'ca-key': { type: 'string' },
  out: { type: 'string' },
  days: { type: 'string', default: '365' },
  'app-id': { type: 'string', default: '0' },
} as const;

/** What `partyline gns cert` was told to make. */
export interface CertCommand {
  readonly identity: string;
  readonly caKeyFile: string;
  readonly outFile: string;
  readonly days: number;
  readonly appId: number;
}

const MAX_CERT_DAYS = 3650;

/** @throws UsageError saying what to change */
export function readCertCommand(args: readonly string[]): CertCommand {
  const { values, positionals } = parse(args, certFlags);
  const [name, ...rest] = positionals;
  const { 'ca-key': caKeyFile, out: outFile } = values;
  const identity = readIdentity('NAME', name);
  if (identity === undefined || rest.length > 0 || !caKeyFile || !outFile) {
    throw new UsageError(`Say «partyline gns cert NAME --ca-key FILE --out FILE».`);
  }
  const days = readWhole('--days', values.days, { min: 1, max: MAX_CERT_DAYS });
  const appId = readWhole('--app-id', values['app-id'], { min: 0, max: 0xffff_ffff });
  return { identity, caKeyFile, outFile, days, appId };
}

/** @throws UsageError saying what to change */
export function readGnsCommand(args: readonly string[]): GnsCommand {
  const { values, positionals } = parse(args, flags);
  const [role, where, ...rest] = positionals;
  if (role !== 'listen' && role !== 'connect') {
    throw new UsageError(
      `Say «partyline gns listen HOST:PORT» or «partyline gns connect HOST:PORT».`,
    );
  }
  if (where === undefined || rest.length > 0) {
    throw new UsageError(`Say where: «partyline gns ${role} HOST:PORT».`);
  }
  const target = readTarget(role, where);
  const rate = values['send-rate'];
  const sendRate = rate === undefined ? undefined : readWhole('--send-rate', rate, SEND_RATE);
  if (values.cert !== undefined && values.identity !== undefined) {
    throw new UsageError('--cert names an identity already: leave --identity away.');
  }
  return {
    role,
    target,
    echo: values.echo,
    count:
      values.count === undefined
        ? undefined
        : readWhole('--count', values.count, countedLimits.count),
    size: readWhole('--size', values.size, countedLimits.size),
    reliable: values.reliable,
    identity: readIdentity('--identity', values.identity),
    peer: readIdentity('--peer', values.peer),
    certFile: values.cert,
    ca: values.ca,
    lanes: readLanes(values.lanes),
    fakes: readFakes(values),
    traceDir: values.trace,
    stats: values.stats,
    json: values.json,
    config:
      sendRate === undefined
        ? {}
        : { sendRateMinBytesPerSecond: sendRate, sendRateMaxBytesPerSecond: sendRate },
  };
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** @throws UsageError */
export function parse<const Flags extends Options>(
  args: readonly string[],
  options: Flags,
): ReturnType<typeof parseArgs<{ args: string[]; options: Flags; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** A port alone is of `host`. @throws UsageError */
export function readTarget(
  role: 'listen' | 'connect',
  text: string,
  host: string = role === 'listen' ? '0.0.0.0' : '127.0.0.1',
): ListenAddress {
  const target = parseListenAddress(text, host);
  if (target === undefined) {
    throw new UsageError(`«${text}» is not HOST:PORT, as 127.0.0.1:27015 or [::1]:27015.`);
  }
  if (role === 'connect' && target.port === 0) throw new UsageError('Port 0 is for listen alone.');
  return target;
}

/** @throws UsageError */
export function readIdentity(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const identity = parseIdentity(text.includes(':') ? text : `str:${text}`);
  if (identity !== undefined) return printIdentity(identity);
  throw new UsageError(
    `${flag} takes a name of at most 31 bytes, or str:NAME, gen:HEX, steamid:NUMBER, ip:ADDRESS; not «${text}».`,
  );
}

/** `3`: three equal lanes; `0:2,0:1,1:1`: priority:weight of each. */
function readLanes(text: string): LaneOptions[] {
  if (/^\d+$/.test(text)) {
    const count = readWhole('--lanes', text, { min: 1, max: MAX_TOOL_LANES });
    return Array.from({ length: count }, () => ({}));
  }
  const lanes = text.split(',').map((lane) => /^(-?\d{1,9}):(\d{1,5})$/.exec(lane));
  return lanes.map((match) => {
    const weight = Number(match?.[2]);
    const isGood = lanes.length <= MAX_TOOL_LANES && weight >= 1 && weight <= MAX_LANE_WEIGHT;
    if (match === null || !isGood) {
      throw new UsageError(
        `--lanes takes a number from 1 to ${MAX_TOOL_LANES}, or PRIORITY:WEIGHT for each lane, as 0:2,0:1,1:1.`,
      );
    }
    return { priority: Number(match[1]), weight };
  });
}

/** @throws UsageError */
export function readWhole(
  flag: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${flag} takes a whole number from ${min} to ${max}, not «${text}».`);
}

const fakeFlags = [
  ['fake-loss', 'lossPercent'],
  ['fake-lag', 'lagMs'],
  ['fake-jitter', 'jitterAvgMs'],
  ['fake-reorder', 'reorderPercent'],
  ['fake-dup', 'duplicatePercent'],
] as const;

function readFakes(
  values: Readonly<Partial<Record<(typeof fakeFlags)[number][0], string>>>,
): FakeConditions {
  const fakes: FakeConditions = {};
  for (const [flag, name] of fakeFlags) {
    const text = values[flag];
    if (text === undefined) continue;
    const max = name === 'lossPercent' ? MAX_FAKE_LOSS_PERCENT : fakeLimits[name];
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= max)) throw new UsageError(`--${flag} takes 0 to ${max}, not «${text}».`);
    fakes[name] = value;
  }
  return fakes;
}
