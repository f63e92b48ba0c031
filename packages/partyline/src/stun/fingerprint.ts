import { ByteReader } from '../base/index.ts';
import { StunAttributeType } from './attributes.ts';
import { HEADER_BYTES } from './message.ts';

/** Type, length and the CRC. */
const FINGERPRINT_ATTRIBUTE_BYTES = 8;
/** RFC 8489 §14.7: so that it differs from a CRC that another protocol puts at the same place. */
const FINGERPRINT_XOR = 0x5354554e;

/** CRC-32 of ITU V.42 (the one of zip), bit-reversed polynomial, one entry per byte. */
const crcTable: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

/** RFC 8489 §14.7: an encoded message with FINGERPRINT added at its end. */
export function withFingerprint(message: Uint8Array): Uint8Array {
  const lengthened = new Uint8Array(message.length + FINGERPRINT_ATTRIBUTE_BYTES);
  lengthened.set(message);
  const view = new DataView(lengthened.buffer);
  view.setUint16(2, lengthened.length - HEADER_BYTES); // the CRC covers the final length
  const crc = fingerprint(lengthened.subarray(0, message.length));
  view.setUint16(message.length, StunAttributeType.Fingerprint);
  view.setUint16(message.length + 2, 4);
  view.setUint32(message.length + 4, crc);
  return lengthened;
}

/** Whether a message that ends in FINGERPRINT has the right one; `undefined` when it does not end so. */
export function checkFingerprint(message: Uint8Array): boolean | undefined {
  const at = message.length - FINGERPRINT_ATTRIBUTE_BYTES;
  if (at < HEADER_BYTES) return undefined;
  const reader = new ByteReader(message.subarray(at));
  if (reader.u16be() !== StunAttributeType.Fingerprint || reader.u16be() !== 4) return undefined;
  return reader.u32be() === fingerprint(message.subarray(0, at));
}

function fingerprint(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffff_ffff ^ FINGERPRINT_XOR) >>> 0;
}
