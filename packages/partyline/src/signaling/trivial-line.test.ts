import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError, utf8 } from '../base/index.ts';
import {
  decodeTrivialGreeting,
  decodeTrivialSignal,
  encodeTrivialGreeting,
  encodeTrivialSignal,
  LineSplitter,
  splitTrivialLine,
  trivialLimits,
} from './trivial-line.ts';

const name = fc.stringMatching(/^str:[!-~]{1,31}$/);
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

test('a signal is a name, a space, hex and a line feed, as GNS’s example client writes it', () => {
  const line = encodeTrivialSignal({ identity: 'str:peer_b', bytes: Uint8Array.of(0, 0x7f, 0xab) });
  expect(text(line)).toBe('str:peer_b 007fab\n');
  expect(text(encodeTrivialGreeting('str:peer_a'))).toBe('str:peer_a\n');
  expect(decodeTrivialSignal(utf8('str:peer_b 007FAB\r'))).toEqual({
    identity: 'str:peer_b',
    bytes: Uint8Array.of(0, 0x7f, 0xab),
  });
});

test('signals survive any cutting of the stream', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 60 })), { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
      (signals, cuts) => {
        const all = Buffer.concat(
          signals.map(([identity, bytes]) => encodeTrivialSignal({ identity, bytes })),
        );
        const splitter = new LineSplitter();
        const lines: Uint8Array[] = [];
        for (let at = 0; at < all.length; ) {
          const size = cuts.next().value;
          lines.push(...splitter.push(new Uint8Array(all.subarray(at, at + size))));
          at += size;
        }
        const got = lines.map(decodeTrivialSignal).map(({ identity, bytes }) => [identity, bytes]);
        expect(got).toEqual(signals);
      },
    ),
  );
});

test('hostile lines give only DecodeError', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.string().map(utf8)), (line) => {
      for (const decode of [decodeTrivialGreeting, decodeTrivialSignal, splitTrivialLine]) {
        try {
          decode(line);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }
    }),
  );
});

test.each(['', 'a b', 'a\n', 'ä', 'x'.repeat(128)])('%j names nobody', (identity) => {
  expect(() => encodeTrivialGreeting(identity)).toThrow(DecodeError);
});

test('a line has a limit, whether it ends or not', () => {
  const endless = new LineSplitter(10);
  expect(endless.push(utf8('12345678\n')).map(text)).toEqual(['12345678']);
  endless.push(utf8('12345'));
  expect(() => endless.push(utf8('67890'))).toThrow(DecodeError);
  const bytes = new Uint8Array(trivialLimits.signalBytes + 1);
  expect(() => encodeTrivialSignal({ identity: 'str:a', bytes })).toThrow(DecodeError);
  const longest = encodeTrivialSignal({ identity: 'x'.repeat(127), bytes: bytes.subarray(1) });
  expect(longest.length).toBe(trivialLimits.lineBytes);
  expect(new LineSplitter().push(longest)).toHaveLength(1);
});
