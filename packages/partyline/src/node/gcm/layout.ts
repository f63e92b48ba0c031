/** Where things lie in the memory of the module that `gcm-module.ts` makes, in bytes. */
export const Layout = {
  /** Of AES, then of GHASH: tables that know no key. */
  constants: 0,
  ghashConstants: 320,
  /** A key that is to be made ready, and behind it the block of zeros encrypted by it. */
  secret: 512,
  hashKey: 544,
  /** A packet: plaintext or ciphertext, its tag behind it. */
  packet: 4096,
  /** Key stream: the block that masks the tag, then one for every 16 bytes. */
  stream: 8192,
  /** Keys made ready: {@link PLACES} times {@link PLACE_BYTES}. */
  places: 16_384,
  /** Counter blocks to be encrypted into key stream. */
  counters: 32_768,
  countersEnd: 65_536,
} as const;

/** So many keys are ready at once: a few busy connections find both of theirs. */
export const PLACES = 8;
export const PLACE_BYTES = 1024;

/** In a place: 15 round keys, and the table of the hash key. */
export const Place = { roundKeys: 0, table: 256 } as const;

/** Counters have one byte, the stream has 4 KiB. */
export const MAX_GCM_BYTES = 4000;
