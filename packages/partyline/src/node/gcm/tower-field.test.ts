import { expect, test } from 'vitest';
import { towerTables } from './tower-field.ts';

const product = (a: number, b: number): number => {
  let sum = 0;
  for (let bit = 0; bit < 8; bit++) if ((b >> bit) & 1) sum ^= a << bit;
  for (let bit = 14; bit >= 8; bit--) if ((sum >> bit) & 1) sum ^= 0x11b << (bit - 8);
  return sum;
};

/** FIPS 197 §5.1.1, by its words. */
function sbox(byte: number): number {
  const inverse = [...Array(256).keys()].find((n) => product(n, byte) === 1) ?? 0;
  const bit = (i: number): number => (inverse >> (i % 8)) & 1;
  const bits = [...Array(8).keys()].map(
    (i) => bit(i) ^ bit(i + 4) ^ bit(i + 5) ^ bit(i + 6) ^ bit(i + 7) ^ ((0x63 >> i) & 1),
  );
  return bits.reduce((sum, value, i) => sum | (value << i), 0);
}

test('ten look-ups by nibble make the S-box of every byte, and twice the S-box', () => {
  const { inverse, inverseTwo, ...tables } = towerTables();
  const at = (table: readonly number[], index: number): number => table[index] ?? 0;
  const sum = (both: readonly (readonly number[])[], low: number, high: number): number =>
    at(both[0] ?? [], low) ^ at(both[1] ?? [], high);
  const standard = (pair: number): number => sum(tables.fromPair, pair & 15, pair >> 4);
  for (let byte = 0; byte < 256; byte++) {
    const pair = sum(tables.toPair, byte & 15, byte >> 4);
    expect(standard(pair)).toBe(byte);
    const [i, k] = [pair >> 4, pair & 15];
    const j = i ^ k;
    const share = at(inverseTwo, k);
    const io = at(inverse, at(inverse, i) ^ share) ^ j;
    const jo = at(inverse, at(inverse, j) ^ share) ^ i;
    const substituted = sum(tables.sbox, io, jo);
    expect(standard(substituted ^ tables.sboxConstant)).toBe(sbox(byte));
    expect(standard(sum(tables.doubled, io, jo))).toBe(product(2, standard(substituted)));
  }
});
