export {
  decodeErrorCode,
  decodeUnknownAttributes,
  decodeXorMappedAddress,
  errorCode,
  findAttribute,
  isComprehensionRequired,
  type StunAddress,
  StunAttributeType,
  type StunError,
  unknownAttributes,
  xorMappedAddress,
} from './attributes.ts';
export { bindingResponse } from './binding.ts';
export { checkFingerprint, withFingerprint } from './fingerprint.ts';
export {
  BINDING_METHOD,
  decodeStun,
  encodeStun,
  HEADER_BYTES,
  looksLikeStun,
  MAGIC_COOKIE,
  MAX_STUN_ATTRIBUTES,
  type StunAttribute,
  StunClass,
  type StunMessage,
} from './message.ts';
export { type StunTransactionOptions, stunTransactionDefaults } from './options.ts';
export {
  StunTransaction,
  type StunTransactionEvent,
  type StunTransactionState,
} from './transaction.ts';
