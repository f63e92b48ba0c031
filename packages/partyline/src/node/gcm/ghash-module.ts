import {
  type Code,
  call,
  get,
  i32,
  load,
  loop,
  op,
  replaceWord,
  set,
  shuffle,
  splatBytes,
  store,
  storeByte,
  tee,
  ValueType,
  type WasmFunction,
  wasmModule,
  when,
} from './wasm-code.ts';

/** Where things lie in the module's memory. */
export const Layout = {
  /** The key's table: {@link writeTable}. */
  table: 0,
  /** A packet: plaintext or ciphertext, its tag behind it. */
  packet: 4096,
  /** Key stream: the block that masks the tag, then one for every 16 bytes. */
  stream: 8192,
  /** Counter blocks to be encrypted into key stream. */
  counters: 16_384,
  countersEnd: 65_536,
} as const;

/** Counters have one byte, the stream has 4 KiB. */
export const MAX_GCM_BYTES = 4000;
export const TABLE_BYTES: number = 17 * 32;

/**
 * What AES-GCM needs beside AES, in SIMD of WebAssembly: NIST SP 800-38D. Sixteen bytes are
 * multiplied by the key at once through `swizzle`, as Hamburg's vector permutes do for AES: its
 * table sits in one register, so time and cache lines touched do not depend on key or text.
 */
export interface GhashExports {
  readonly memory: WebAssembly.Memory;
  /** Encrypts the packet of `length` bytes in place and puts its tag behind it. */
  seal(length: number): void;
  /** 1 and the packet is decrypted in place, or 0 and it is not: its tag is wrong. */
  open(length: number): number;
  /** Writes `count` counter blocks, from 1, of the nonce given as three words, at `at`. */
  counters(at: number, count: number, word0: number, word1: number, word2: number): void;
}

const { I32, V128 } = ValueType;
const ZERO = splatBytes(0);
const REVERSE: Code = [...ZERO, ...shuffle([15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])];
/** The first vector moves by a byte, and the second fills the place. */
const NEXT_BYTE = shuffle([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const LOW_TO_HIGH_HALF = shuffle([16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7]);
const HIGH_TO_LOW_HALF = shuffle([8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16]);

/**
 * The table of a key's H: for each byte j of a product of 17, its value for the sixteen high
 * nibbles of a byte, then for the sixteen low ones. Bit 7 of byte 0 is x^0: SP 800-38D §6.3.
 */
export function writeTable(hashKey: Uint8Array, table: Uint8Array): void {
  for (let j = 0; j < 17; j++) {
    const above = (hashKey[j - 1] ?? 0) << 8;
    const shifted = above | (hashKey[j] ?? 0);
    for (let nibble = 0; nibble < 16; nibble++) {
      let high = 0;
      let low = 0;
      for (let bit = 0; bit < 4; bit++) {
        if ((nibble & (8 >> bit)) === 0) continue;
        high ^= shifted >> bit;
        low ^= shifted >> (bit + 4);
      }
      table[j * 32 + nibble] = high;
      table[j * 32 + 16 + nibble] = low;
    }
  }
}

/** The hash of `blocks` blocks from `at`, without any final step. */
const hash: WasmFunction = (() => {
  const [at, blocks, x, low, high, lowNibbles, highNibbles] = [0, 1, 2, 3, 4, 5, 6] as const;
  const nextBlock: Code = [
    ...[...get(at), ...load(0), ...REVERSE, ...get(x), ...op.xor],
    ...[...tee(lowNibbles), ...i32(4), ...op.bytesShiftRight, ...set(highNibbles)],
    ...[...get(lowNibbles), ...splatBytes(15), ...op.and, ...set(lowNibbles)],
  ];
  const term = (j: number): Code => [
    ...[...i32(0), ...load(Layout.table + 32 * j), ...get(highNibbles), ...op.swizzle],
    ...[...i32(0), ...load(Layout.table + 32 * j + 16), ...get(lowNibbles), ...op.swizzle],
    ...op.xor,
  ];
  // Horner's rule over the bytes of the product, the highest powers first.
  const product: Code = [
    ...[...term(16), ...set(low), ...ZERO, ...set(high)],
    ...Array.from({ length: 16 }, (_, i) => [
      ...[...get(high), ...get(low), ...NEXT_BYTE, ...set(high)],
      ...[...get(low), ...ZERO, ...NEXT_BYTE, ...term(15 - i), ...op.xor, ...set(low)],
    ]).flat(),
  ];
  const carried: Code = [63, 62, 57].flatMap((bits, i) => [
    ...[...get(high), ...i32(bits), ...op.i64ShiftLeft],
    ...(i > 0 ? op.xor : []),
  ]);
  const shifted: Code = [1, 2, 7].flatMap((bits) => [
    ...[...get(high), ...i32(bits), ...op.i64ShiftRight, ...op.xor],
  ]);
  // x^128 = x^7 + x^2 + x + 1, first what the highest 64 powers put over their neighbours.
  const reduction: Code = [
    ...[...get(high), ...carried, ...ZERO, ...LOW_TO_HIGH_HALF, ...op.xor, ...set(high)],
    ...[...get(low), ...get(high), ...op.xor, ...shifted],
    ...[...carried, ...ZERO, ...HIGH_TO_LOW_HALF, ...op.xor, ...set(x)],
  ];
  const advance: Code = [
    ...[...get(at), ...i32(16), ...op.i32Add, ...set(at)],
    ...[...get(blocks), ...i32(1), ...op.i32Subtract, ...tee(blocks)],
  ];
  return {
    name: '',
    parameters: [I32, I32],
    results: [V128],
    locals: [V128, V128, V128, V128, V128],
    body: [...loop([...nextBlock, ...product, ...reduction, ...advance]), ...get(x), ...REVERSE],
  };
})();

/** Leaves the tag of the ciphertext; `end` is used. No associated text, as GNS has none. */
function tagOf(length: number, end: number): Code {
  return [
    // Zeros to the end of the block, then the block of lengths in bits, big endian.
    ...[...get(length), ...ZERO, ...store(Layout.packet)],
    ...[...get(length), ...i32(15), ...op.i32Add, ...i32(-16), ...op.i32And, ...tee(end)],
    ...[...ZERO, ...store(Layout.packet)],
    ...[...get(end), ...get(length), ...i32(5), ...op.i32ShiftRight],
    ...storeByte(Layout.packet + 14),
    ...[...get(end), ...get(length), ...i32(3), ...op.i32ShiftLeft],
    ...storeByte(Layout.packet + 15),
    ...[
      ...i32(Layout.packet),
      ...get(end),
      ...i32(4),
      ...op.i32ShiftRight,
      ...i32(1),
      ...op.i32Add,
    ],
    ...[...call(0), ...i32(0), ...load(Layout.stream), ...op.xor],
  ];
}

/** Whole blocks, also past the end: what is there does not matter. `at` is used. */
function applyStream(length: number, at: number): Code {
  return [
    ...[...i32(0), ...set(at)],
    ...loop([
      ...[...get(at), ...get(at), ...load(Layout.packet)],
      ...[...get(at), ...load(Layout.stream + 16), ...op.xor, ...store(Layout.packet)],
      ...[...get(at), ...i32(16), ...op.i32Add, ...tee(at), ...get(length), ...op.i32LessSigned],
    ]),
  ];
}

const seal: WasmFunction = {
  name: 'seal',
  parameters: [I32],
  results: [],
  locals: [I32],
  body: [...applyStream(0, 1), ...get(0), ...tagOf(0, 1), ...store(Layout.packet)],
};

const open: WasmFunction = {
  name: 'open',
  parameters: [I32],
  results: [I32],
  locals: [I32, V128],
  body: [
    ...[...get(0), ...load(Layout.packet), ...set(2)],
    ...[...tagOf(0, 1), ...get(2), ...op.xor, ...op.anyTrue, ...when([...i32(0), ...op.return])],
    ...[...applyStream(0, 1), ...i32(1)],
  ],
};

const counters: WasmFunction = (() => {
  const [at, count, word0, word1, word2, block, counter] = [0, 1, 2, 3, 4, 5, 6] as const;
  return {
    name: 'counters',
    parameters: [I32, I32, I32, I32, I32],
    results: [],
    locals: [V128, I32],
    body: [
      ...[...get(word0), ...op.splatWord, ...get(word1), ...replaceWord(1)],
      ...[...get(word2), ...replaceWord(2), ...set(block), ...i32(1), ...set(counter)],
      ...loop([
        // Below 256 the big-endian counter is its last byte.
        ...[...get(at), ...get(block), ...get(counter), ...i32(24), ...op.i32ShiftLeft],
        ...[...replaceWord(3), ...store(0), ...get(at), ...i32(16), ...op.i32Add, ...set(at)],
        ...[...get(counter), ...i32(1), ...op.i32Add, ...tee(counter)],
        ...[...get(count), ...op.i32LessOrEqual],
      ]),
    ],
  };
})();

/** `undefined` where the machine has no SIMD in WebAssembly. */
export function openGhash(): GhashExports | undefined {
  const bytes = wasmModule([hash, seal, open, counters], 1);
  if (!WebAssembly.validate(bytes)) return undefined;
  // The module has no imports, and exports what stands above.
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return exports as unknown as GhashExports;
}
