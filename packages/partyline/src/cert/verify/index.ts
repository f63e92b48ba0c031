export {
  type Cert,
  decodeCert,
  KEY_TYPE_ED25519,
  MAX_CERT_APP_IDS,
  MAX_CERT_BYTES,
  MAX_CERT_POP_IDS,
  MAX_IDENTITY_BYTES,
  type SignedCert,
} from './cert.ts';
export {
  ATTEMPT_NONCE_BYTES,
  FINGERPRINT_BYTES,
  isEnvelope,
  LOGIN_NONCE_BYTES,
  type LoginRecord,
  loginBytes,
  type MemberScope,
  type RelayHelloRecord,
  relayHelloBytes,
  type SignalRecord,
  signalBytes,
  type WebRtcRecord,
  type WebRtcRole,
  webrtcRecordBytes,
} from './envelope.ts';
export { guestPlayerId, tokenPlayerId } from './player-id.ts';
export {
  CERT_CLOCK_SKEW_SEC,
  caKeyId,
  readCertClaims,
  type VerifiedCert,
  type VerifyCertOptions,
  verifyCert,
} from './verify-cert.ts';
