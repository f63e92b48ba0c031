/**
 * WebAssembly's binary format, as far as `gcm-module.ts` needs it: instructions are arrays of
 * bytes that are joined by spreading. Opcodes: WebAssembly Core Specification 2.0, §5.4 and §5.5.
 */
export type Code = readonly number[];

export const ValueType = { I32: 0x7f, V128: 0x7b } as const;

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** Signed LEB128 of 32 bits. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest < -0x40 || rest >= 0x40) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  return [...bytes, rest & 0x7f];
}

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
/** Sets and leaves the value. */
export const tee = (local: number): Code => [0x22, ...unsigned(local)];
export const call = (index: number): Code => [0x10, ...unsigned(index)];
export const i32 = (value: number): Code => [0x41, ...signed(value)];
/** Repeats `body` while the condition that it leaves is not 0. */
export const loop = (body: Code): Code => [0x03, 0x40, ...body, 0x0d, 0, 0x0b];
/** Runs `body` if the condition before it is not 0. */
export const when = (body: Code): Code => [0x04, 0x40, ...body, 0x0b];

// Memory: the address comes from the stack, `offset` is added to it; no alignment is promised.
export const load = (offset: number): Code => [...simd(0), 0, ...unsigned(offset)];
/** One byte into all sixteen, one word into all four. */
export const loadSplatByte = (offset: number): Code => [...simd(7), 0, ...unsigned(offset)];
export const loadSplatWord = (offset: number): Code => [...simd(9), 2, ...unsigned(offset)];
export const store = (offset: number): Code => [...simd(11), 0, ...unsigned(offset)];
export const storeByte = (offset: number): Code => [0x3a, 0, ...unsigned(offset)];

/** Picks bytes of two vectors: 0 to 15 of the first, 16 to 31 of the second. */
export const shuffle = (lanes: Code): Code => [...simd(13), ...lanes];
/** A vector of sixteen bytes. */
export const constant = (bytes: Code): Code => [...simd(12), ...bytes];
export const splatBytes = (value: number): Code => constant(new Array(16).fill(value));
export const replaceWord = (lane: number): Code => [...simd(28), lane];

export const op = {
  return: [0x0f],
  i32LessSigned: [0x48],
  i32LessOrEqual: [0x4d],
  i32Add: [0x6a],
  i32Subtract: [0x6b],
  i32And: [0x71],
  i32ShiftLeft: [0x74],
  i32ShiftRight: [0x76],
  /** Sixteen look-ups at once in a table of sixteen bytes, in the same time for every index. */
  swizzle: [0xfd, 14],
  splatWord: [0xfd, 17],
  and: [0xfd, 78],
  or: [0xfd, 80],
  xor: [0xfd, 81],
  anyTrue: [0xfd, 83],
  bytesShiftLeft: [0xfd, 107],
  bytesShiftRight: [0xfd, 109],
  i64ShiftLeft: [0xfd, 0xcb, 1],
  i64ShiftRight: [0xfd, 0xcd, 1],
} as const;

export interface WasmFunction {
  /** Exported under this name; '' for inner ones. */
  readonly name: string;
  readonly parameters: Code;
  readonly results: Code;
  readonly locals: Code;
  readonly body: Code;
}

/** A module of functions, called by their place in the list, and `pages` of exported `memory`. */
export function wasmModule(
  functions: readonly WasmFunction[],
  pages: number,
): Uint8Array<ArrayBuffer> {
  const section = (id: number, items: readonly Code[]): number[] => {
    const body = vector(items);
    return [id, ...unsigned(body.length), ...body];
  };
  const name = (text: string): number[] => vector([...text].map((c) => [c.charCodeAt(0)]));
  const types = functions.map(({ parameters, results }) => [
    0x60,
    ...vector(parameters.map((type) => [type])),
    ...vector(results.map((type) => [type])),
  ]);
  const exported = functions.flatMap((f, index) =>
    f.name === '' ? [] : [[...name(f.name), 0, ...unsigned(index)]],
  );
  const bodies = functions.map(({ locals, body }) => {
    const code = [...vector(locals.map((type) => [1, type])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(5, [[0, ...unsigned(pages)]]),
    ...section(7, [[...name('memory'), 2, 0], ...exported]),
    ...section(10, bodies),
  ]);
}
