import { NetError } from '../base/index.ts';
import { isGranted, UNLIMITED_SCOPE } from './cert-scope.ts';
import type { CertStore, TrustedChain } from './cert-store.ts';
import type { Cert, SignedCert } from './verify/index.ts';

/** Peers that nobody trusted vouches for: turned away, taken with a warning, or taken (GNS IP_AllowWithoutAuth 0, 1, 2). */
export type UnsignedPolicy = 'reject' | 'warn' | 'allow';

/** Anonymous in GNS: the peer's address takes its place. */
const LOCALHOST_IDENTITY = 'ip:::1';

export interface JudgeCertOptions {
  readonly store: CertStore;
  readonly unsigned: UnsignedPolicy;
  /** What the certificate must be good for; stock GNS is app 0. */
  readonly appId: number;
  /** The data center it must be good for. Default: any. */
  readonly popId?: number;
  /** Seconds since 1970. */
  readonly nowSec: number;
}

/** A certificate that may be used. */
export interface CertVerdict {
  /** `undefined` for a claim that nobody vouches for, which the policy lets pass. */
  readonly chain: TrustedChain | undefined;
  /** Why nobody does; `undefined` with a chain. */
  readonly doubt: string | undefined;
  /** The policy is to say so aloud. */
  readonly isWarned: boolean;
}

/**
 * GNS's verdict on a peer's certificate: `CertStore_CheckCert`, then the rules of
 * `RecvCryptoHandshake` and `CheckCertAppID`. A chain that does not hold is no worse than none,
 * but limits that a certificate states are kept whoever signed it.
 * @throws NetError `CERT_INVALID`
 */
export function judgeCert(signed: SignedCert, options: JudgeCertOptions): CertVerdict {
  const { store, unsigned, nowSec } = options;
  const trust = store.chainOf(signed, nowSec);
  const chain = typeof trust === 'string' ? undefined : trust;
  const doubt = typeof trust === 'string' ? `certificate refused: ${trust}` : undefined;
  if (doubt !== undefined && unsigned === 'reject') {
    throw refused(`unauthenticated connections not allowed: ${doubt}`);
  }
  const isNamed = signed.cert.identity !== undefined && signed.cert.identity !== LOCALHOST_IDENTITY;
  if (!isNamed && signed.ca !== undefined) throw refused('it is signed and names nobody');
  if (isNamed && signed.cert.appIds.length === 0) throw refused('it is bound to no app id');
  checkGrants(signed.cert, chain, options);
  return { chain, doubt, isWarned: chain === undefined && unsigned === 'warn' };
}

function checkGrants(
  cert: Cert,
  chain: TrustedChain | undefined,
  { appId, popId }: JudgeCertOptions,
): void {
  const scope = chain?.scope ?? UNLIMITED_SCOPE;
  const { appIds, popIds = [] } = cert;
  if (appIds.length > 0 && !appIds.includes(appId)) {
    throw refused(`it is not authorized for appid ${appId}`);
  }
  if (!isGranted(scope.appIds, appId)) throw refused(`its CA may not sign for appid ${appId}`);
  if (popId === undefined) return;
  if (popIds.length > 0 && !popIds.includes(popId)) {
    throw refused(`it is not authorized for data center ${popId}`);
  }
  if (!isGranted(scope.popIds, popId))
    throw refused(`its CA may not sign for data center ${popId}`);
}

function refused(why: string): NetError {
  return new NetError('CERT_INVALID', `certificate refused: ${why}`);
}
