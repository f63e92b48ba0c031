/** u coordinates of the points whose order divides 8, on the curve or its twist, p and p + 1 included. */
const lowOrderU: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));

/**
 * Does every secret agree with it on zero (RFC 7748 §6.1)? Exactly these 32-byte keys make
 * {@link SealingCrypto.x25519} throw, so who asks before may agree later. The top bit does not count (§5).
 */
export function isLowOrderX25519Key(publicKey: Uint8Array): boolean {
  return lowOrderU.some((low) =>
    low.every((byte, at) => byte === ((publicKey[at] ?? 0) & (at === 31 ? 0x7f : 0xff))),
  );
}
