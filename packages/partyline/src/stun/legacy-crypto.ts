/**
 * The two broken hashes that STUN cannot do without: every TURN client in use proves its password
 * with HMAC-SHA1 under an MD5 key (RFC 8489 §14.5, §9.2.2). Kept apart from `Crypto`, so that nothing
 * else can reach for them.
 */
export interface LegacyCrypto {
  /** 16 bytes. */
  md5(bytes: Uint8Array): Uint8Array;
  /** 20 bytes. */
  hmacSha1(key: Uint8Array, bytes: Uint8Array): Uint8Array;
}
