import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter, DecodeError, utf8 } from '../base/index.ts';
import { decodeMdnsAddresses, encodeMdnsQuery } from './mdns-message.ts';

const label = (writer: ByteWriter, text: string): ByteWriter =>
  writer.u8(text.length).bytes(utf8(text));

function header(answers: number): ByteWriter {
  return new ByteWriter().u16be(0).u16be(0x8400).u16be(0).u16be(answers).u16be(0).u16be(0);
}

test('RFC 1035 §4.1.4: an answer with a pointer to a name before', () => {
  const writer = header(2);
  label(label(writer, 'Abc'), 'local').u8(0);
  writer
    .u16be(1)
    .u16be(0x8001)
    .u32be(120)
    .u16be(4)
    .bytes(Uint8Array.of(192, 168, 0, 7));
  writer.u16be(0xc00c).u16be(28).u16be(1).u32be(120).u16be(16);
  writer.bytes(Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9));
  expect(decodeMdnsAddresses(writer.finish())).toEqual([
    { name: 'abc.local', host: '192.168.0.7' },
    { name: 'abc.local', host: 'fd00::9' },
  ]);
});

test('a query asks for both kinds of addresses, and is no answer', () => {
  const query = encodeMdnsQuery('a.local');
  expect(decodeMdnsAddresses(query)).toEqual([]);
  expect([...query].join(' ')).toBe(
    '0 0 0 0 0 2 0 0 0 0 0 0 1 97 5 108 111 99 97 108 0 0 1 128 1 1 97 5 108 111 99 97 108 0 0 28 128 1',
  );
});

test('a pointer that leads forwards or to itself is refused', () => {
  const writer = header(1).u16be(0xc00c).u16be(1).u16be(1).u32be(1).u16be(4).u32be(0);
  expect(() => decodeMdnsAddresses(writer.finish())).toThrow('pointer');
});

test('over the limit of records', () => {
  expect(() => decodeMdnsAddresses(header(65).finish())).toThrow('record count');
});

test('hostile bytes give only DecodeError', () => {
  const start = fc.constantFrom(header(3).finish(), header(40).finish(), new Uint8Array(0));
  const pointers = fc.array(fc.constantFrom(0xc0, 0x0c, 0, 1, 4, 28), { maxLength: 60 });
  const rest = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    pointers.map((all) => Uint8Array.from(all)),
  );
  fc.assert(
    fc.property(start, rest, (head, tail) => {
      try {
        decodeMdnsAddresses(Uint8Array.of(...head, ...tail));
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
    { numRuns: 1000 },
  );
});
