/** y coordinates of the points whose order divides 8, little endian with the sign bit clear. */
const smallOrderY: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));

/**
 * False for encodings under which a signature proves nothing (a point of small order signs every
 * message) or that have a second spelling (y ≥ p): RFC 8032 §5.1.3, and what noble refuses in its
 * strict mode. OpenSSL accepts both kinds, so the Node backend asks here first.
 */
export function isStrictEd25519Key(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false;
  const y = Uint8Array.from(publicKey); // not slice: that of a Buffer is a view
  y[31] = (y[31] ?? 0) & 0x7f;
  const isReduced = (y[0] ?? 0) < 0xed || y[31] !== 0x7f || y.subarray(1, 31).some((b) => b < 0xff);
  return isReduced && !smallOrderY.some((small) => small.every((byte, at) => byte === y[at]));
}
