import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../base/index.ts';
import { decodeStun, encodeStun, StunClass, type StunMessage } from './message.ts';

const bytes = (constraints: fc.IntArrayConstraints): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array(constraints);

const anyMessage: fc.Arbitrary<StunMessage> = fc.record({
  class: fc.constantFrom(...Object.values(StunClass)),
  method: fc.integer({ min: 0, max: 0xfff }),
  transactionId: bytes({ minLength: 12, maxLength: 12 }),
  attributes: fc.array(
    fc.record({ type: fc.integer({ min: 0, max: 0xffff }), value: bytes({ maxLength: 64 }) }),
    { maxLength: 8 },
  ),
});

describe('STUN codec', () => {
  test('what is encoded decodes to the same message', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeStun(encodeStun(message))).toEqual(message);
      }),
    );
  });

  test('hostile bytes give a DecodeError and nothing else', () => {
    const valid = anyMessage.map(encodeStun);
    const mutated = fc.tuple(valid, fc.nat(), fc.nat(255)).map(([whole, at, byte]) => {
      const copy = whole.slice();
      copy[at % copy.length] = byte;
      return copy;
    });
    const cut = fc.tuple(valid, fc.nat()).map(([whole, at]) => whole.slice(0, at % whole.length));
    fc.assert(
      fc.property(fc.oneof(bytes({ maxLength: 256 }), mutated, cut), (input) => {
        try {
          decodeStun(input);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });

  test('RFC 5769 §2.1: sample request', () => {
    const message = decodeStun(
      hex(`0001 0058 2112a442 b7e7a701bc34d686fa87dfae
           8022 0010 5354554e207465737420636c69656e74
           0024 0004 6e0001ff
           8029 0008 932ff9b151263b36
           0006 0009 6576746a3a68367659 202020
           0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
           8028 0004 e57a3bcf`),
    );
    expect(message).toMatchObject({ class: StunClass.Request, method: 0x001 });
    expect(message.attributes.map((a) => a.type)).toEqual([
      0x8022, 0x0024, 0x8029, 0x0006, 0x0008, 0x8028,
    ]);
    expect(new TextDecoder().decode(message.attributes[3]?.value)).toBe('evtj:h6vY');
  });
});

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
