export type { CertScope } from './cert-scope.ts';
export {
  CertStore,
  type CertStoreOptions,
  MAX_CHAIN_LENGTH,
  MAX_STORE_CERTS,
  type TrustedChain,
} from './cert-store.ts';
export {
  type Identity,
  MAX_GEN_BYTES,
  MAX_STR_BYTES,
  parseIdentity,
  printIdentity,
} from './identity.ts';
export {
  encodeCert,
  encodeSignedCert,
  type IssueCaCertOptions,
  type IssueCertOptions,
  issueCaCert,
  issueCert,
} from './issue-cert.ts';
export {
  type CertVerdict,
  type JudgeCertOptions,
  judgeCert,
  type UnsignedPolicy,
} from './judge-cert.ts';
export * from './verify/index.ts';
