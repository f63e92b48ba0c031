import { createHash, createHmac } from 'node:crypto';
import type { LegacyCrypto } from '../stun/index.ts';

/** MD5 and HMAC-SHA1 on `node:crypto`: for STUN's passwords and nothing else. */
export const nodeLegacyCrypto: LegacyCrypto = {
  md5: (bytes) => new Uint8Array(createHash('md5').update(bytes).digest()),
  hmacSha1: (key, bytes) => new Uint8Array(createHmac('sha1', key).update(bytes).digest()),
};
