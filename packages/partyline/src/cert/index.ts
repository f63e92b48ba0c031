export {
  type Identity,
  MAX_GEN_BYTES,
  MAX_STR_BYTES,
  parseIdentity,
  printIdentity,
} from './identity.ts';
export { encodeCert, encodeSignedCert, type IssueCertOptions, issueCert } from './issue-cert.ts';
export * from './verify/index.ts';
