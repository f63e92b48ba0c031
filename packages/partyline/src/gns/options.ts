import { NetError } from '../base/index.ts';
import { CertStore } from '../cert/index.ts';
import type { Crypto } from '../crypto/index.ts';
import { resolveSnpOptions, type SnpOptions } from '../snp/index.ts';
import { Cipher } from './crypt-share.ts';
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
}

export type ResolvedGnsOptions = Required<GnsOptions>;

export const gnsDefaults: Readonly<Required<Omit<GnsOptions, keyof SnpOptions | 'certStore'>>> =
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
  });

const MIN_MTU_BYTES = 200;

/** @throws NetError `OPTIONS_INVALID`, naming the option and what it takes. */
export function resolveGnsOptions(crypto: Crypto, options: GnsOptions = {}): ResolvedGnsOptions {
  const { trustedCas: roots = [], certStore = new CertStore(crypto, { roots }) } = options;
  const resolved = { ...gnsDefaults, ...options, ...resolveSnpOptions(options), certStore };
  const { mtuBytes, timeoutInitialMs, timeoutConnectedMs } = resolved;
  if (!(mtuBytes >= MIN_MTU_BYTES && mtuBytes <= MAX_DATAGRAM_BYTES)) {
    throw new NetError(
      'OPTIONS_INVALID',
      `mtuBytes takes ${MIN_MTU_BYTES} to ${MAX_DATAGRAM_BYTES}`,
    );
  }
  if (!(timeoutInitialMs > 0 && timeoutConnectedMs > 0)) {
    throw new NetError('OPTIONS_INVALID', 'time-outs take a positive number of milliseconds');
  }
  return resolved;
}

/** GNS `SetCryptoCipherList`: most preferred first. */
export function ciphersOf(unencrypted: 0 | 1 | 2 | 3): readonly Cipher[] {
  if (unencrypted === 0) return [Cipher.Aes256Gcm];
  if (unencrypted === 1) return [Cipher.Aes256Gcm, Cipher.Null];
  return unencrypted === 2 ? [Cipher.Null, Cipher.Aes256Gcm] : [Cipher.Null];
}
