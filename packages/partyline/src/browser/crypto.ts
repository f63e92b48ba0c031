import { type Crypto, createNobleCrypto } from '../crypto/index.ts';

/** Noble, with the browser's random source. */
export const browserCrypto: Crypto = createNobleCrypto({
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
});
