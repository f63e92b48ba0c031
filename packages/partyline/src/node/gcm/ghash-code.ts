import { Layout, Place } from './layout.ts';
import {
  type Code,
  call,
  get,
  i32,
  load,
  loadSplatByte,
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
  when,
} from './wasm-code.ts';

const { I32, V128 } = ValueType;
const ZERO = splatBytes(0);
const REVERSE: Code = [...ZERO, ...shuffle([15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])];
/** The first vector moves by a byte, and the second fills the place. */
const NEXT_BYTE = shuffle([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const LOW_TO_HIGH_HALF = shuffle([16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7]);
const BYTE_UP = shuffle([16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
const LAST_BYTE = shuffle([15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16]);
const HIGH_TO_LOW_HALF = shuffle([8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16]);

/** For each bit of a nibble, the highest first: which of the sixteen have it. */
export function ghashConstants(): Uint8Array {
  const masks = [8, 4, 2, 1].map((bit) =>
    Array.from({ length: 16 }, (_, nibble) => ((nibble & bit) === 0 ? 0 : 0xff)),
  );
  return Uint8Array.from(masks.flat());
}

/**
 * The table of the hash key H, from {@link Layout.hashKey}: for each byte j of a product of 17, its value for the sixteen
 * high nibbles of a byte, then for the sixteen low ones. Bit 7 of byte 0 is x^0: SP 800-38D §6.3.
 */
export const makeTable: WasmFunction = (() => {
  const [place, j, key, before, last] = [0, 1, 2, 3, 4] as const;
  // H moved right by each number of bits, of which the bytes of a product are taken.
  const moved = Array.from({ length: 8 }, (_, bits): Code => {
    const at = Layout.counters + 32 * bits;
    if (bits === 0)
      return [...i32(0), ...get(key), ...store(at), ...i32(0), ...ZERO, ...store(at + 16)];
    const right: Code = [...get(key), ...i32(bits), ...op.bytesShiftRight];
    const left = (of: number): Code => [...get(of), ...i32(8 - bits), ...op.bytesShiftLeft];
    return [
      ...[...i32(0), ...right, ...left(before), ...op.or, ...store(at)],
      ...[...i32(0), ...left(last), ...store(at + 16)],
    ];
  }).flat();
  const row = (firstBit: number, offset: number): Code => [
    ...get(place),
    ...[0, 1, 2, 3].flatMap((bit) => [
      ...[...get(j), ...loadSplatByte(Layout.counters + 32 * (firstBit + bit))],
      ...[...i32(0), ...load(Layout.ghashConstants + 16 * bit), ...op.and],
      ...(bit > 0 ? op.xor : []),
    ]),
    ...store(Place.table + offset),
  ];
  return {
    name: 'makeTable',
    parameters: [I32],
    results: [],
    locals: [I32, V128, V128, V128],
    body: [
      ...[...i32(0), ...load(Layout.hashKey), ...tee(key), ...ZERO, ...BYTE_UP, ...set(before)],
      ...[...get(key), ...ZERO, ...LAST_BYTE, ...set(last), ...moved],
      ...loop([
        ...[...row(0, 0), ...row(4, 16), ...get(place), ...i32(32), ...op.i32Add, ...set(place)],
        ...[...get(j), ...i32(1), ...op.i32Add, ...tee(j), ...i32(17), ...op.i32LessSigned],
      ]),
    ],
  };
})();

/** The hash of `blocks` blocks from `at` by the key of a place, without any final step. */
export const hash: WasmFunction = (() => {
  const [place, at, blocks] = [0, 1, 2] as const;
  const [x, low, high, lowNibbles, highNibbles] = [3, 4, 5, 6, 7] as const;
  const nextBlock: Code = [
    ...[...get(at), ...load(0), ...REVERSE, ...get(x), ...op.xor],
    ...[...tee(lowNibbles), ...i32(4), ...op.bytesShiftRight, ...set(highNibbles)],
    ...[...get(lowNibbles), ...splatBytes(15), ...op.and, ...set(lowNibbles)],
  ];
  const term = (j: number): Code => [
    ...[...get(place), ...load(Place.table + 32 * j), ...get(highNibbles), ...op.swizzle],
    ...[...get(place), ...load(Place.table + 32 * j + 16), ...get(lowNibbles), ...op.swizzle],
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
    parameters: [I32, I32, I32],
    results: [V128],
    locals: [V128, V128, V128, V128, V128],
    body: [...loop([...nextBlock, ...product, ...reduction, ...advance]), ...get(x), ...REVERSE],
  };
})();

/** Leaves the tag of the ciphertext; `end` is used. No associated text, as GNS has none. */
function tagOf(place: number, length: number, end: number): Code {
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
      ...get(place),
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

export const seal: WasmFunction = (() => {
  const [place, length, end] = [0, 1, 2] as const;
  const sealed = [...applyStream(length, end), ...get(length), ...tagOf(place, length, end)];
  return {
    name: 'seal',
    parameters: [I32, I32],
    results: [],
    locals: [I32],
    body: [...sealed, ...store(Layout.packet)],
  };
})();

export const open: WasmFunction = (() => {
  const [place, length, end, tag] = [0, 1, 2, 3] as const;
  const isForged = [...tagOf(place, length, end), ...get(tag), ...op.xor, ...op.anyTrue];
  return {
    name: 'open',
    parameters: [I32, I32],
    results: [I32],
    locals: [I32, V128],
    body: [
      ...[...get(length), ...load(Layout.packet), ...set(tag)],
      ...[...isForged, ...when([...i32(0), ...op.return]), ...applyStream(length, end), ...i32(1)],
    ],
  };
})();

export const counters: WasmFunction = (() => {
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
