export {
  decodeStun,
  encodeStun,
  HEADER_BYTES,
  looksLikeStun,
  MAGIC_COOKIE,
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
