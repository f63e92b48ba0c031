export {
  decodeErrorCode,
  decodeMappedAddress,
  decodeUnknownAttributes,
  decodeXorMappedAddress,
  errorCode,
  findAttribute,
  isComprehensionRequired,
  plainAddress,
  type StunAddress,
  StunAttributeType,
  type StunError,
  unknownAttributes,
  xorAddress,
  xorMappedAddress,
} from './attributes.ts';
export {
  BehaviorAttributeType,
  type ChangeRequest,
  changeRequest,
  decodeChangeRequest,
  decodeResponsePort,
  padding,
  responsePort,
} from './behavior-attributes.ts';
export {
  type BehaviorSocket,
  type BehaviorSockets,
  discoverNatBehavior,
  type NatBehavior,
  type NatBehaviorOptions,
  type NatDependence,
} from './behavior-client.ts';
export { type BehaviorAnswer, type BehaviorPlace, behaviorAnswer } from './behavior-server.ts';
export { bindingResponse } from './binding.ts';
export { checkFingerprint, withFingerprint } from './fingerprint.ts';
export {
  checkMessageIntegrity,
  type IntegrityAlgorithm,
  integrityOf,
  isSame,
  protectedAttributes,
  type StunCrypto,
  withMessageIntegrity,
} from './integrity.ts';
export type { LegacyCrypto } from './legacy-crypto.ts';
export {
  decodePasswordAlgorithms,
  type LongTermCredential,
  longTermKey,
  NONCE_COOKIE,
  nonceCookie,
  opaqueString,
  PasswordAlgorithm,
  passwordAlgorithm,
  passwordAlgorithms,
  SecurityFeature,
  securityFeatures,
  userhash,
} from './long-term.ts';
export {
  BINDING_METHOD,
  decodeStun,
  encodeStun,
  HEADER_BYTES,
  looksLikeStun,
  MAGIC_COOKIE,
  MAX_STUN_ATTRIBUTES,
  readStun,
  type StunAttribute,
  StunClass,
  type StunMessage,
} from './message.ts';
export {
  resolveStunTransactionOptions,
  type StunTransactionOptions,
  stunTransactionDefaults,
} from './options.ts';
export { type FrameLength, StreamSplitter, stunFrameLength } from './stream-splitter.ts';
export {
  StunTransaction,
  type StunTransactionEvent,
  type StunTransactionState,
} from './transaction.ts';
export { type StunRequest, StunTransactionTable } from './transaction-table.ts';
