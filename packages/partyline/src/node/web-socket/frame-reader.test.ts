import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameError, FrameReader } from './frame-reader.ts';
import { clientFrame, Opcode } from './frame-writer.ts';

const MAX_BYTES = 1000;
const FIN = 0x80;

/** A frame of a server: not masked. */
function serverFrame(first: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload);
  const header =
    bytes.length < 126
      ? Buffer.from([first, bytes.length])
      : Buffer.from([first, 126, bytes.length >> 8, bytes.length & 0xff]);
  return Buffer.concat([header, bytes]);
}

/** What comes out of a stream that arrives in these chunks. */
function readAll(chunks: readonly Uint8Array[]): (string | number[])[] {
  const seen: (string | number[])[] = [];
  const reader = new FrameReader(MAX_BYTES, {
    onText: (text) => seen.push(`text ${text}`),
    onBinary: (bytes) => seen.push([...bytes]),
    onPing: (payload) => seen.push(`ping ${Buffer.from(payload).toString()}`),
    onClose: (code, reason) => seen.push(`close ${code} ${reason}`),
  });
  const buffer = Buffer.alloc(100_000);
  for (const chunk of chunks) {
    buffer.set(chunk);
    reader.read(buffer.subarray(0, chunk.length));
    buffer.fill(0xee); // the next one is read into the same memory
  }
  return seen;
}

function closeCodeOf(...chunks: Uint8Array[]): number | undefined {
  try {
    readAll(chunks);
    return undefined;
  } catch (error) {
    if (error instanceof FrameError) return error.closeCode;
    throw error;
  }
}

const message = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.uint8Array({ maxLength: 400 }),
);

describe('FrameReader', () => {
  it('gives the same messages however the stream is cut, with fragments and pings between them', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(message), fc.nat(50), cuts, (messages, split, sizes) => {
        const frames = messages.flatMap((content) => {
          const opcode = typeof content === 'string' ? Opcode.Text : Opcode.Binary;
          const bytes = Buffer.from(content);
          const at = Math.min(split, bytes.length);
          return [
            serverFrame(opcode, bytes.subarray(0, at)),
            serverFrame(FIN | Opcode.Ping, 'p'),
            serverFrame(FIN | Opcode.Pong, ''),
            serverFrame(FIN | Opcode.Continuation, bytes.subarray(at)),
            serverFrame(FIN | opcode, bytes),
          ];
        });
        const stream = Buffer.concat(frames);
        const chunks: Buffer[] = [];
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const size = sizes[cut % sizes.length] ?? 1;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const expected = messages.flatMap((content) => {
          const seen = typeof content === 'string' ? `text ${content}` : [...content];
          return ['ping p', seen, seen];
        });
        expect(readAll(chunks)).toEqual(expected);
      }),
    );
  });

  it('refuses hostile bytes with a FrameError and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 })), (chunks) => {
        closeCodeOf(...chunks);
      }),
    );
  });

  it.each([
    ['a reserved bit', [0xc1, 0]],
    ['a masked frame', [0x81, 0x80, 0, 0, 0, 0]],
    ['an unknown opcode', [0x83, 0]],
    ['an unknown control opcode', [0x8b, 0]],
    ['a fragmented ping', [0x09, 0]],
    ['a ping of 126 bytes', [0x89, 126, 0, 126]],
    ['a continuation of nothing', [0x80, 0]],
    ['a message inside another', [0x01, 0, 0x81, 0]],
    ['a close of one byte', [0x88, 1, 3]],
    ['a close code that nobody may send', [0x88, 2, 0x03, 0xed]],
  ])('ends at %s with 1002', (_what, bytes) => {
    expect(closeCodeOf(Buffer.from(bytes))).toBe(1002);
  });

  it('ends at text that is not UTF-8 with 1007, also in a close', () => {
    expect(closeCodeOf(serverFrame(FIN | Opcode.Text, Buffer.from([0xc3, 0x28])))).toBe(1007);
    expect(closeCodeOf(serverFrame(FIN | Opcode.Close, Buffer.from([3, 232, 0xff])))).toBe(1007);
  });

  it('takes a message of the longest size and refuses one byte more, by its header alone', () => {
    const longest = Buffer.alloc(MAX_BYTES);
    expect(readAll([serverFrame(FIN | Opcode.Binary, longest)])).toEqual([[...longest]]);
    expect(closeCodeOf(Buffer.from([0x82, 126, 0x03, 0xe9]))).toBe(1009);
    expect(closeCodeOf(Buffer.from([0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0]))).toBe(1009);
  });

  it('counts the fragments of a message together', () => {
    const half = serverFrame(Opcode.Binary, Buffer.alloc(600));
    expect(closeCodeOf(half, serverFrame(FIN | Opcode.Continuation, Buffer.alloc(401)))).toBe(1009);
  });

  it('reads nothing behind a close', () => {
    const close = serverFrame(FIN | Opcode.Close, Buffer.from([0x0f, 0xa1, ...Buffer.from('bye')]));
    const behind = serverFrame(FIN | Opcode.Text, 'late');
    expect(readAll([Buffer.concat([close, behind]), behind])).toEqual(['close 4001 bye']);
    expect(readAll([serverFrame(FIN | Opcode.Close, '')])).toEqual(['close 1005 ']);
  });
});

describe('clientFrame', () => {
  it('is final and masked, with the length in as few bytes as it fits', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 125, 126, 65_535, 65_536), (length) => {
        const content = Uint8Array.from({ length }, (_, i) => i);
        const frame = clientFrame(Opcode.Binary, content);
        const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
        expect(frame[0]).toBe(FIN | Opcode.Binary);
        expect(frame[1]).toBe(0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127));
        const key = frame.subarray(headerBytes, headerBytes + 4);
        const unmasked = frame.subarray(headerBytes + 4).map((byte, i) => byte ^ (key[i & 3] ?? 0));
        expect(Buffer.compare(unmasked, content)).toBe(0);
      }),
    );
  });

  it('writes text as UTF-8 and draws a fresh key for each frame', () => {
    const [a, b] = [clientFrame(Opcode.Text, 'grüße'), clientFrame(Opcode.Text, 'grüße')];
    expect(a[1]).toBe(0x80 | 7);
    expect(a.equals(b)).toBe(false);
  });
});
