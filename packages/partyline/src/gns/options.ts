import { NetError } from '../base/index.ts';
import { CertStore } from '../cert/index.ts';
import type { Crypto } from '../crypto/index.ts';
import { resolveSnpOptions, type SnpOptions } from '../snp/index.ts';
import { Cipher } from './crypt-share.ts';
import { type FakeConditions, fakeDefaults, resolveFakeConditions } from './fake-conditions.ts';
import { MAX_DATAGRAM_BYTES } from './protocol.ts';

/** GNS's configuration of a connection, with its defaults; durations in ms, sizes in bytes. */
export interface GnsOptions extends SnpOptions {
  /** Until a connection must be accepted and connected (GNS TimeoutInitial 24). Default 10000. */
  timeoutInitialMs?: number;
  /** Silence that ends a connection (GNS TimeoutConnected 25). Default 10000. */
  timeoutConnectedMs?: number;
  /** Peers without a certificate of a trusted CA: 0 refuse, 1 allow and tell the log, 2 allow (GNS IP_AllowWithoutAuth 23). Default 2. */
  allowWithoutAuth?: 0 | 1 | 2;
  /** The same for loopback addresses; the larger of both counts (GNS IPLocalHost_AllowWithoutAuth 52). Default 2. */
  localHostAllowWithoutAuth?: 0 | 1 | 2;
  /** Largest datagram (GNS MTU_PacketSize 32), 200 to 1300. Default 1300. */
  mtuBytes?: number;
  /** 0 AES alone, 1 AES or none, 2 none or AES, 3 none alone (GNS Unencrypted 34). Default 0. */
  unencrypted?: 0 | 1 | 2 | 3;
  /** Tell the peer the time between packets, so that it can measure jitter (GNS SendTimeSincePreviousPacket 59). Default false. */
  sendTimeSincePrevious?: boolean;
  /** CA keys whose certificates prove an identity, 32 bytes each; not with `certStore`. Default none. */
  trustedCas?: readonly Uint8Array[];
  /**
   * Whose certificates prove an identity, where one key is not all: chains, revoked keys. What is
   * revoked in it later counts for the next handshake. An endpoint's own counts for all its
   * connections. Default: one of `trustedCas`.
   */
  certStore?: CertStore;
  /** App id that certificates must name (stock GNS has 0). Default 0. */
  appId?: number;
  /** How long a packet that skips one waits for the skipped one, in ms, while packets come swapped (docs/adr/0053); 0 for not at all (GNS OutOfOrderCorrectionWindowMicroseconds 51). Default 1. */
  outOfOrderCorrectionMs?: number;
  /** A bad network for what a socket sends. Default none. */
  fakeSend?: FakeConditions;
  /** A bad network for what it receives. Default none. */
  fakeReceive?: FakeConditions;
}

export type ResolvedGnsOptions = Omit<Required<GnsOptions>, 'fakeSend' | 'fakeReceive'> & {
  fakeSend: Readonly<Required<FakeConditions>>;
  fakeReceive: Readonly<Required<FakeConditions>>;
};

export const gnsDefaults: Readonly<Omit<ResolvedGnsOptions, keyof SnpOptions | 'certStore'>> =
  Object.freeze({
    timeoutInitialMs: 10_000,
    timeoutConnectedMs: 10_000,
    allowWithoutAuth: 2,
    localHostAllowWithoutAuth: 2,
    mtuBytes: MAX_DATAGRAM_BYTES,
    unencrypted: 0,
    sendTimeSincePrevious: false,
    trustedCas: [],
    appId: 0,
    outOfOrderCorrectionMs: 1,
    fakeSend: fakeDefaults,
    fakeReceive: fakeDefaults,
  });

const INT32_MAX = 2 ** 31 - 1;

interface Range {
  readonly min: number;
  readonly max: number;
}

/** Options that GNS has, as numbers. */
export type NumberOption =
  | ('timeoutInitialMs' | 'timeoutConnectedMs' | 'sendBufferBytes' | 'receiveBufferBytes')
  | ('receiveBufferMessages' | 'maxMessageBytes' | 'maxSegmentsPerPacket' | 'nagleMs')
  | ('sendRateMinBytesPerSecond' | 'sendRateMaxBytesPerSecond' | 'mtuBytes' | 'unencrypted')
  | ('allowWithoutAuth' | 'localHostAllowWithoutAuth' | 'outOfOrderCorrectionMs' | 'appId');

/** What each number takes, as in GNS; docs/gns.md quotes them. */
export const optionRanges: Readonly<Record<NumberOption, Range>> = Object.freeze({
  timeoutInitialMs: { min: 0, max: INT32_MAX },
  timeoutConnectedMs: { min: 0, max: INT32_MAX },
  sendBufferBytes: { min: 4096, max: 2 ** 28 },
  receiveBufferBytes: { min: 4096, max: 2 ** 28 },
  receiveBufferMessages: { min: 2, max: 2 ** 28 },
  maxMessageBytes: { min: 64, max: 2 ** 28 },
  maxSegmentsPerPacket: { min: 1, max: MAX_DATAGRAM_BYTES },
  sendRateMinBytesPerSecond: { min: 1024, max: 2 ** 28 },
  sendRateMaxBytesPerSecond: { min: 1024, max: 2 ** 28 },
  nagleMs: { min: 0, max: 20 },
  allowWithoutAuth: { min: 0, max: 2 },
  localHostAllowWithoutAuth: { min: 0, max: 2 },
  mtuBytes: { min: 200, max: MAX_DATAGRAM_BYTES },
  unencrypted: { min: 0, max: 3 },
  outOfOrderCorrectionMs: { min: 0, max: 50 },
  appId: { min: 0, max: 2 ** 32 - 1 },
});

/** These go into the handshake, and stay as they are when it has begun. */
export const handshakeOptions: readonly (keyof GnsOptions)[] = Object.freeze([
  ...(['allowWithoutAuth', 'localHostAllowWithoutAuth', 'trustedCas', 'certStore'] as const),
  ...(['appId', 'unencrypted'] as const),
]);

/** These concern a socket and all its connections. */
export const socketOptions: ReadonlySet<string> = new Set<keyof GnsOptions>([
  'fakeSend',
  'fakeReceive',
]);

const inFractions: ReadonlySet<string> = new Set(['nagleMs', 'outOfOrderCorrectionMs']);

/** @throws NetError `OPTIONS_INVALID`, naming the option and what it takes. */
export function resolveGnsOptions(crypto: Crypto, options: GnsOptions = {}): ResolvedGnsOptions {
  const { trustedCas: roots = [], certStore = new CertStore(crypto, { roots }) } = options;
  const resolved = {
    ...{ ...gnsDefaults, ...options, ...resolveSnpOptions(options), certStore },
    fakeSend: resolveFakeConditions(options.fakeSend),
    fakeReceive: resolveFakeConditions(options.fakeReceive),
  };
  for (const [name, { min, max }] of Object.entries(optionRanges)) {
    // Object.entries forgets that the names are those of the table.
    const value = resolved[name as keyof typeof optionRanges];
    const isWhole = Number.isInteger(value) || inFractions.has(name);
    if (!isWhole || !(value >= min && value <= max)) {
      throw new NetError('OPTIONS_INVALID', `${name} takes ${min} to ${max}`);
    }
  }
  return resolved;
}

/** GNS `SetCryptoCipherList`: most preferred first. */
export function ciphersOf(unencrypted: 0 | 1 | 2 | 3): readonly Cipher[] {
  if (unencrypted === 0) return [Cipher.Aes256Gcm];
  if (unencrypted === 1) return [Cipher.Aes256Gcm, Cipher.Null];
  return unencrypted === 2 ? [Cipher.Null, Cipher.Aes256Gcm] : [Cipher.Null];
}
