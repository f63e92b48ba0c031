import type { Crypto } from '../crypto/index.ts';
import { StunAttributeType } from './attributes.ts';
import type { LegacyCrypto } from './legacy-crypto.ts';
import { HEADER_BYTES, type StunAttribute, type StunMessage } from './message.ts';

/** `sha1` is MESSAGE-INTEGRITY, `sha256` is MESSAGE-INTEGRITY-SHA256: RFC 8489 §14.5 and §14.6. */
export type IntegrityAlgorithm = 'sha1' | 'sha256';

/** What proving and checking a password takes. */
export type StunCrypto = Pick<Crypto, 'sha256' | 'hmacSha256'> & LegacyCrypto;

const ATTRIBUTE_HEADER_BYTES = 4;
const SHA1_BYTES = 20;
const SHA256_BYTES = 32;
/** RFC 8489 §14.6: the MAC may be cut, but not below this, and only to a multiple of four. */
const MIN_SHA256_BYTES = 16;

/** An encoded message with its MAC added at the end; add FINGERPRINT after it. */
export function withMessageIntegrity(
  crypto: StunCrypto,
  message: Uint8Array,
  key: Uint8Array,
  algorithm: IntegrityAlgorithm,
): Uint8Array {
  const macBytes = algorithm === 'sha1' ? SHA1_BYTES : SHA256_BYTES;
  const lengthened = new Uint8Array(message.length + ATTRIBUTE_HEADER_BYTES + macBytes);
  lengthened.set(message);
  const view = new DataView(lengthened.buffer);
  view.setUint16(2, lengthened.length - HEADER_BYTES); // the MAC covers the final length
  const type =
    algorithm === 'sha1'
      ? StunAttributeType.MessageIntegrity
      : StunAttributeType.MessageIntegritySha256;
  view.setUint16(message.length, type);
  view.setUint16(message.length + 2, macBytes);
  const mac = computeMac(crypto, key, lengthened.subarray(0, message.length), algorithm);
  lengthened.set(mac, message.length + ATTRIBUTE_HEADER_BYTES);
  return lengthened;
}

/** Which MAC a message carries: the stronger when it has both (RFC 8489 §9.2.4), else `undefined`. */
export function integrityOf(message: StunMessage): IntegrityAlgorithm | undefined {
  const has = (type: number): boolean => message.attributes.some((a) => a.type === type);
  if (has(StunAttributeType.MessageIntegritySha256)) return 'sha256';
  return has(StunAttributeType.MessageIntegrity) ? 'sha1' : undefined;
}

/** Whether the MAC that {@link integrityOf} names is right. `bytes` is what `message` was decoded from. */
export function checkMessageIntegrity(
  crypto: StunCrypto,
  bytes: Uint8Array,
  message: StunMessage,
  key: Uint8Array,
): boolean {
  const algorithm = integrityOf(message);
  if (algorithm === undefined) return false;
  const type =
    algorithm === 'sha1'
      ? StunAttributeType.MessageIntegrity
      : StunAttributeType.MessageIntegritySha256;
  let at = HEADER_BYTES;
  for (const attribute of message.attributes) {
    const { length } = attribute.value;
    if (attribute.type === type) {
      if (!isMacLength(length, algorithm)) return false;
      const covered = bytes.slice(0, at);
      const end = at + ATTRIBUTE_HEADER_BYTES + length;
      // As if the MAC were the last attribute, whatever follows it.
      new DataView(covered.buffer).setUint16(2, end - HEADER_BYTES);
      return isSame(
        computeMac(crypto, key, covered, algorithm).subarray(0, length),
        attribute.value,
      );
    }
    at += ATTRIBUTE_HEADER_BYTES + ((length + 3) & ~3);
  }
  return false;
}

/**
 * What may be acted on: nothing that stands behind the MAC, which anybody on the way can have added
 * (RFC 8489 §14.5, §14.6).
 */
export function protectedAttributes(message: StunMessage): readonly StunAttribute[] {
  const end = message.attributes.findIndex(
    ({ type }) =>
      type === StunAttributeType.MessageIntegrity ||
      type === StunAttributeType.MessageIntegritySha256,
  );
  return end < 0 ? message.attributes : message.attributes.slice(0, end);
}

function isMacLength(length: number, algorithm: IntegrityAlgorithm): boolean {
  if (algorithm === 'sha1') return length === SHA1_BYTES;
  return length >= MIN_SHA256_BYTES && length <= SHA256_BYTES && length % 4 === 0;
}

function computeMac(
  crypto: StunCrypto,
  key: Uint8Array,
  bytes: Uint8Array,
  algorithm: IntegrityAlgorithm,
): Uint8Array {
  return algorithm === 'sha1' ? crypto.hmacSha1(key, bytes) : crypto.hmacSha256(key, bytes);
}

/** Takes as long wherever the first difference is. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
