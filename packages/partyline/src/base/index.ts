export { fromBase32, toBase32 } from './base32.ts';
export { fromBase64Url, toBase64Url } from './base64.ts';
export { ByteReader, ByteWriter, MAX_VARINT } from './bytes.ts';
export type { Core, Millis, Transmit } from './core.ts';
export { type Deferred, deferred, orAborted } from './deferred.ts';
export { Emitter } from './emitter.ts';
export { DecodeError, isNetError, NetError, type NetErrorCode, netErrorCodes } from './errors.ts';
export { parseIp, printIp, unmapIp } from './ip-address.ts';
export { type Logger, silentLogger } from './log.ts';
export {
  decodeProtobuf,
  MAX_PROTOBUF_FIELDS,
  type ProtobufField,
  ProtobufWriter,
} from './protobuf.ts';
export { type Cancel, MAX_DELAY_MS, type Scheduler } from './scheduler.ts';
export { fromUtf8, utf8 } from './text.ts';
export { type Sleeper, WakeQueue } from './wake-queue.ts';
