import { hmac } from '@noble/hashes/hmac.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';

/**
 * The two broken hashes that STUN's passwords are proved by (RFC 8489 §9.2.2, §14.5), in plain
 * JavaScript: for a page that is a TURN client. Behind a door of their own, so that no page gets them
 * that does not ask, and nothing else finds them.
 */
export const nobleLegacy: {
  /** 16 bytes. */
  md5(bytes: Uint8Array): Uint8Array;
  /** 20 bytes. */
  hmacSha1(key: Uint8Array, bytes: Uint8Array): Uint8Array;
} = Object.freeze({
  md5: (bytes: Uint8Array) => md5(bytes),
  hmacSha1: (key: Uint8Array, bytes: Uint8Array) => hmac(sha1, key, bytes),
});
