/**
 * AES's bytes as pairs of nibbles, so that its S-box is ten look-ups in tables of sixteen bytes,
 * which SIMD does in a register: Hamburg, "Accelerating AES with Vector Permute Instructions" (2009).
 *
 * A byte x = i + 30 k, where i and k are of the subfield of sixteen elements. With j = i + k,
 *   io = 1 / (1/i + 2/k) + j,   jo = 1 / (1/j + 2/k) + i,   1/x = 79 / io + 78 / jo.
 * The numbers come of trying all. 1/0 is INFINITY, which is no index of any table, and what is
 * looked up there is 0, as it should be.
 */
const POLYNOMIAL = 0x11b;
/** Of x^4 + x + 1 over the two bits; its powers 0 to 3 are the bits of a nibble. */
const ROOT = 92;
const SECOND = 30;
const [FROM_IO, FROM_JO] = [79, 78] as const;
const INFINITY = 0x80;
/** FIPS 197 §5.1.1. */
const SBOX_CONSTANT = 0x63;

const nibbles: readonly number[] = Array.from({ length: 16 }, (_, n) => n);

/** FIPS 197 §4.2. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product & 0x80) === 0 ? 0 : POLYNOMIAL);
    if (((b >> bit) & 1) !== 0) product ^= a;
  }
  return product;
}

const powers = [1, ROOT, multiply(ROOT, ROOT), multiply(ROOT, multiply(ROOT, ROOT))] as const;
const subfield = nibbles.map((n) =>
  powers.reduce((sum, power, bit) => ((n >> bit) & 1 ? sum ^ power : sum), 0),
);
const element = (nibble: number): number => subfield[nibble] ?? 0;

/** a / n in nibbles. */
function divide(a: number, n: number): number {
  if (n === 0) return INFINITY;
  return nibbles.find((m) => multiply(element(m), element(n)) === element(a)) ?? 0;
}

const standard = (pair: number): number =>
  element(pair >> 4) ^ multiply(SECOND, element(pair & 15));

/** The S-box's linear map, FIPS 197 §5.1.1; its constant is added with the round keys. */
function affine(byte: number): number {
  let result = byte;
  for (let turn = 1; turn <= 4; turn++) result ^= (byte << turn) | (byte >> (8 - turn));
  return result & 0xff;
}

/** Tables of sixteen bytes, looked up by nibble. A pair has i in its high nibble, k in the low one. */
export interface TowerTables {
  readonly inverse: readonly number[];
  /** 2 / n. */
  readonly inverseTwo: readonly number[];
  /** The S-box without its constant: of io and of jo, to be added. */
  readonly sbox: readonly [readonly number[], readonly number[]];
  /** The same, times 2: FIPS 197 §5.1.3 wants both. */
  readonly doubled: readonly [readonly number[], readonly number[]];
  /** A byte to its pair, and back: of the low nibble and of the high one, to be added. */
  readonly toPair: readonly [readonly number[], readonly number[]];
  readonly fromPair: readonly [readonly number[], readonly number[]];
  /** The S-box's constant, and those of FIPS 197 §5.2, as pairs. */
  readonly sboxConstant: number;
  readonly roundConstants: readonly number[];
}

export function towerTables(): TowerTables {
  const pairs = new Map(Array.from({ length: 256 }, (_, pair) => [standard(pair), pair]));
  const pairOf = (byte: number): number => pairs.get(byte) ?? 0;
  const inverse = nibbles.map((n) => divide(1, n));
  const substitute = (factor: number, scale: number): number[] =>
    inverse.map((reciprocal, n) => {
      if (n === 0) return 0;
      return pairOf(multiply(scale, affine(multiply(factor, element(reciprocal)))));
    });
  return {
    inverse,
    inverseTwo: nibbles.map((n) => divide(2, n)),
    sbox: [substitute(FROM_IO, 1), substitute(FROM_JO, 1)],
    doubled: [substitute(FROM_IO, 2), substitute(FROM_JO, 2)],
    toPair: [nibbles.map(pairOf), nibbles.map((n) => pairOf(n << 4))],
    fromPair: [nibbles.map(standard), nibbles.map((n) => standard(n << 4))],
    sboxConstant: pairOf(SBOX_CONSTANT),
    roundConstants: [1, 2, 4, 8, 16, 32, 64].map(pairOf),
  };
}
