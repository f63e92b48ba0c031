import { aesCode } from './aes-code.ts';
import { counters, ghashConstants, hash, makeTable, open, seal } from './ghash-code.ts';
import { Layout } from './layout.ts';
import { wasmModule } from './wasm-code.ts';

/**
 * AES-256-GCM in SIMD of WebAssembly: FIPS 197 and NIST SP 800-38D. What is looked up by key or
 * text is looked up within a register, so time and cache lines touched do not depend on either.
 * `place` is the address of one of the keys made ready.
 */
export interface GcmExports {
  readonly memory: WebAssembly.Memory;
  /** Round keys of the key at {@link Layout.secret}. */
  expandKey(place: number): void;
  /** The table of the hash key at {@link Layout.hashKey}. */
  makeTable(place: number): void;
  /** Writes `count` counter blocks, from 1, of the nonce given as three words, at `at`. */
  counters(at: number, count: number, word0: number, word1: number, word2: number): void;
  /** Encrypts `groups` times BLOCKS_AT_ONCE blocks from `at` in place. */
  encrypt(place: number, at: number, groups: number): void;
  /** Encrypts the packet of `length` bytes in place and puts its tag behind it. */
  seal(place: number, length: number): void;
  /** 1 and the packet is decrypted in place, or 0 and it is not: its tag is wrong. */
  open(place: number, length: number): number;
}

/** `undefined` where the machine has no SIMD in WebAssembly. */
export function openGcm(): GcmExports | undefined {
  const aes = aesCode();
  const code = wasmModule([hash, makeTable, seal, open, counters, ...aes.functions], 1);
  if (!WebAssembly.validate(code)) return undefined;
  // The module has no imports, and exports what stands above.
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  const gcm = exports as unknown as GcmExports;
  const bytes = new Uint8Array(gcm.memory.buffer);
  bytes.set(aes.constants, Layout.constants);
  bytes.set(ghashConstants(), Layout.ghashConstants);
  return gcm;
}
