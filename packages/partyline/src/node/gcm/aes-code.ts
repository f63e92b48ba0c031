import { Layout, Place } from './layout.ts';
import { type TowerTables, towerTables } from './tower-field.ts';
import {
  type Code,
  constant,
  get,
  i32,
  load,
  loadSplatWord,
  loop,
  op,
  set,
  shuffle,
  splatBytes,
  store,
  tee,
  ValueType,
  type WasmFunction,
} from './wasm-code.ts';

const { I32, V128 } = ValueType;
const ROUNDS = 14;
/** So many blocks are encrypted side by side: the processor does one while it waits for another. */
export const BLOCKS_AT_ONCE = 3;

/** The vectors at {@link Layout.constants}, in this order, and behind them the round constants. */
const vectorsOf = (tables: TowerTables): readonly (readonly number[])[] => [
  ...[tables.inverse, tables.inverseTwo, ...tables.sbox, ...tables.doubled],
  ...[...tables.toPair, ...tables.fromPair],
];
const Table = { inverse: 0, inverseTwo: 1, sbox: 2, doubled: 4, toPair: 6, fromPair: 8 } as const;
const VECTORS = 10;
const ROUND_CONSTANTS_AT: number = Layout.constants + 16 * VECTORS;
const ROUND_CONSTANTS = 7;

/** Tables that every round needs lie in locals of both functions, from this one on. */
const [FIRST_TABLE, HELD_TABLES] = [4, 6] as const;
const fromMemory = (index: number): Code => [...i32(0), ...load(Layout.constants + 16 * index)];
const table = (index: number): Code =>
  index < HELD_TABLES ? get(FIRST_TABLE + index) : fromMemory(index);
const heldTables: readonly number[] = Array.from({ length: HELD_TABLES }, (_, index) => index);
const holdTables: Code = heldTables.flatMap((i) => [...fromMemory(i), ...set(FIRST_TABLE + i)]);
const ROWS = [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11] as const;
/** ShiftRows, then each column turned by `rows`: FIPS 197 §5.1.2 and §5.1.3. */
const shifted = (rows: number): Code => [
  ...constant(ROWS.map((_, i) => ROWS[(i & 12) | ((i + rows) & 3)] ?? 0)),
  ...op.swizzle,
];

/** `low` and `high` nibbles of the vector on the stack. */
const split = (low: number, high: number): Code => [
  ...[...tee(low), ...i32(4), ...op.i64ShiftRight, ...splatBytes(15), ...op.and, ...set(high)],
  ...[...get(low), ...splatBytes(15), ...op.and, ...set(low)],
];

const lookedUp = (index: number, nibbles: number): Code => [
  ...[...table(index), ...get(nibbles), ...op.swizzle],
];
const sumOf = (index: number, first: number, second: number): Code => [
  ...[...lookedUp(index, first), ...lookedUp(index + 1, second), ...op.xor],
];

/** The vector on the stack by two tables of nibbles; `low` and `high` are used. */
const mapped = (index: number, low: number, high: number): Code => [
  ...[...split(low, high), ...sumOf(index, low, high)],
];

/** io and jo of the pairs in `state`, in `first` and `second`; see `tower-field.ts`. */
function inverted(state: number, first: number, second: number, share: number): Code {
  const [k, i, j] = [first, second, state];
  return [
    ...[...get(state), ...split(k, i)],
    ...[
      ...lookedUp(Table.inverseTwo, k),
      ...set(share),
      ...get(k),
      ...get(i),
      ...op.xor,
      ...set(j),
    ],
    ...[...lookedUp(Table.inverse, i), ...get(share), ...op.xor, ...set(first)],
    ...[...lookedUp(Table.inverse, j), ...get(share), ...op.xor, ...set(share)],
    ...[...lookedUp(Table.inverse, first), ...get(j), ...op.xor, ...set(first)],
    ...[...lookedUp(Table.inverse, share), ...get(i), ...op.xor, ...set(second)],
  ];
}

/** Encrypts in place `groups` times {@link BLOCKS_AT_ONCE} blocks from `at`, by the key of a place. */
function encrypt(): WasmFunction {
  const [place, at, groups, key] = [0, 1, 2, 3] as const;
  const firstState = FIRST_TABLE + HELD_TABLES;
  const firstTemporary = firstState + BLOCKS_AT_ONCE;
  const states = Array.from({ length: BLOCKS_AT_ONCE }, (_, i) => firstState + i);
  const temporary = (s: number, i: number): number => firstTemporary + 3 * (s - firstState) + i;
  const forAll = (code: (s: number) => Code): Code => states.flatMap(code);
  const addKey = (offset: number): Code => [...get(key), ...load(offset), ...op.xor];
  const begin = forAll((s) => [
    ...[...get(at), ...load(16 * (s - firstState))],
    ...mapped(Table.toPair, temporary(s, 0), temporary(s, 1)),
    ...[...addKey(Place.roundKeys), ...set(s)],
  ]);
  const round = forAll((s) => {
    const [a, b, c] = [temporary(s, 0), temporary(s, 1), temporary(s, 2)] as const;
    const twice = b;
    return [
      ...inverted(s, a, b, c),
      ...[...sumOf(Table.sbox, a, b), ...set(s)],
      ...[...sumOf(Table.doubled, a, b), ...tee(twice), ...get(s), ...op.xor, ...set(c)],
      ...[...get(twice), ...shifted(0)],
      ...[...get(c), ...shifted(1), ...op.xor],
      ...[...get(s), ...shifted(2), ...op.xor],
      ...[...get(s), ...shifted(3), ...op.xor],
      ...[...addKey(Place.roundKeys), ...set(s)],
    ];
  });
  const end = forAll((s) => {
    const [a, b, c] = [temporary(s, 0), temporary(s, 1), temporary(s, 2)] as const;
    return [
      ...[...inverted(s, a, b, c), ...sumOf(Table.sbox, a, b), ...set(s)],
      ...[...get(at), ...get(s), ...shifted(0), ...addKey(Place.roundKeys)],
      ...[...mapped(Table.fromPair, a, b), ...store(16 * (s - firstState))],
    ];
  });
  const nextKey: Code = [...get(key), ...i32(16), ...op.i32Add, ...tee(key)];
  return {
    name: 'encrypt',
    parameters: [I32, I32, I32],
    results: [],
    locals: [I32, ...heldTables.map(() => V128), ...states.flatMap(() => [V128, V128, V128, V128])],
    body: [
      ...holdTables,
      ...loop([
        ...[...get(place), ...set(key), ...begin, ...nextKey, ...set(key)],
        ...loop([
          ...[...round, ...nextKey, ...get(place), ...i32(16 * ROUNDS), ...op.i32Add],
          ...op.i32LessSigned,
        ]),
        ...[...end, ...get(at), ...i32(16 * BLOCKS_AT_ONCE), ...op.i32Add, ...set(at)],
        ...[...get(groups), ...i32(1), ...op.i32Subtract, ...tee(groups)],
      ]),
    ],
  };
}

/** Round keys, as pairs, of the key at {@link Layout.secret}: FIPS 197 §5.2. */
function expandKey(sboxConstant: number): WasmFunction {
  const [place, step, older, newer] = [0, 1, 2, 3] as const;
  const [a, b, c, state] = [10, 11, 12, 13] as const;
  const lastWord = shuffle([12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15]);
  const turnedWord = shuffle([13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12]);
  const ZERO = splatBytes(0);
  const wordUp = shuffle([16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const twoWordsUp = shuffle([16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7]);
  const plus = (code: Code): Code => [...code, ...op.xor];
  // What the S-box adds to every byte; MixColumns leaves it as it is.
  const CONSTANT = splatBytes(sboxConstant);
  /** Round key `to` becomes the one after `from`. */
  const next = (from: number, to: number, word: Code): Code => [
    ...[...get(from), ...set(state), ...inverted(state, a, b, c), ...sumOf(Table.sbox, a, b)],
    ...[...tee(a), ...get(a), ...word, ...plus(CONSTANT)],
    ...[...get(to), ...get(to), ...ZERO, ...wordUp, ...op.xor, ...tee(b)],
    ...[...get(b), ...ZERO, ...twoWordsUp, ...op.xor, ...op.xor, ...set(to)],
  ];
  const roundConstant: Code = [...get(step), ...loadSplatWord(ROUND_CONSTANTS_AT)];
  const keep = (vector: number, offset: number): Code => [
    ...[...get(place), ...get(vector), ...plus(CONSTANT), ...store(Place.roundKeys + offset)],
  ];
  return {
    name: 'expandKey',
    parameters: [I32],
    results: [],
    locals: [I32, ...new Array(12).fill(V128)],
    body: [
      ...holdTables,
      ...[...i32(0), ...load(Layout.secret), ...mapped(Table.toPair, a, b), ...set(older)],
      ...[...i32(0), ...load(Layout.secret + 16), ...mapped(Table.toPair, a, b), ...set(newer)],
      ...[...get(place), ...get(older), ...store(Place.roundKeys), ...keep(newer, 16)],
      ...loop([
        ...next(newer, older, turnedWord),
        ...[...get(older), ...plus(roundConstant), ...set(older), ...keep(older, 32)],
        ...[...next(older, newer, lastWord), ...keep(newer, 48)], // the last is one too many
        ...[...get(place), ...i32(32), ...op.i32Add, ...set(place)],
        ...[...get(step), ...i32(4), ...op.i32Add, ...tee(step)],
        ...[...i32(4 * ROUND_CONSTANTS), ...op.i32LessSigned],
      ]),
    ],
  };
}

export interface AesCode {
  /** `encrypt` and `expandKey`. */
  readonly functions: readonly WasmFunction[];
  /** What they want to find at {@link Layout.constants}. */
  readonly constants: Uint8Array;
}

/** AES-256 without secret addresses: see `tower-field.ts`. */
export function aesCode(): AesCode {
  const tables = towerTables();
  const words = tables.roundConstants.flatMap((pair) => [pair, 0, 0, 0]);
  return {
    functions: [encrypt(), expandKey(tables.sboxConstant)],
    constants: Uint8Array.from([...vectorsOf(tables).flat(), ...words]),
  };
}
