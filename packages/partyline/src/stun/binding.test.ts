import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../base/index.ts';
import {
  BINDING_METHOD,
  bindingResponse,
  checkFingerprint,
  decodeErrorCode,
  decodeStun,
  decodeUnknownAttributes,
  decodeXorMappedAddress,
  encodeStun,
  errorCode,
  findAttribute,
  MAX_STUN_ATTRIBUTES,
  StunAttributeType,
  StunClass,
  type StunMessage,
  withFingerprint,
  xorMappedAddress,
} from './index.ts';

const transactionId = Uint8Array.from({ length: 12 }, (_, i) => i + 1);
const from = { host: '192.0.2.1', port: 32853 };
const request = (attributes: StunMessage['attributes'] = []): Uint8Array =>
  encodeStun({ class: StunClass.Request, method: BINDING_METHOD, transactionId, attributes });

describe('bindingResponse', () => {
  test.each([
    ['IPv4', '192.0.2.1', '192.0.2.1', 32],
    ['IPv4 seen by a dual-stack socket', '::ffff:192.0.2.1', '192.0.2.1', 32],
    ['IPv6', '2001:db8::1', '2001:db8::1', 44],
    ['IPv6 with a zone', 'fe80::1%eth0', 'fe80::1', 44],
  ])('%s: XOR-MAPPED-ADDRESS and nothing else', (_, host, seen, bytes) => {
    const response = bindingResponse(request(), { host, port: 32853 });
    expect(response).toHaveLength(bytes);
    const message = decodeStun(response ?? new Uint8Array());
    expect(message).toMatchObject({
      class: StunClass.Success,
      method: BINDING_METHOD,
      transactionId,
    });
    expect(message.attributes.map(({ type }) => type)).toEqual([
      StunAttributeType.XorMappedAddress,
    ]);
    expect(mappedAddress(message)).toEqual({ host: seen, port: 32853 });
  });

  test('RFC 8489 §6.3.1: unknown comprehension-required attributes get 420 and their list, once each', () => {
    const value = new Uint8Array(4);
    const response = bindingResponse(
      request([
        { type: 0x0003, value },
        { type: 0x7fff, value },
        { type: 0x0003, value },
        { type: 0x8fff, value },
        { type: StunAttributeType.Username, value },
      ]),
      from,
    );
    const message = decodeStun(response ?? new Uint8Array());
    expect(message).toMatchObject({ class: StunClass.Error, transactionId });
    const error = findAttribute(message, StunAttributeType.ErrorCode) ?? new Uint8Array();
    expect(decodeErrorCode(error).code).toBe(420);
    const unknown = findAttribute(message, StunAttributeType.UnknownAttributes);
    expect(decodeUnknownAttributes(unknown ?? new Uint8Array())).toEqual([0x0003, 0x7fff]);
  });

  test('RFC 8489 §14: unknown optional attributes are ignored', () => {
    const response = bindingResponse(request([{ type: 0xc057, value: new Uint8Array(4) }]), from);
    expect(response).toHaveLength(32);
  });

  test('RFC 8489 §14.7: a right FINGERPRINT is accepted; a wrong or early one gets no answer', () => {
    const right = withFingerprint(request());
    expect(bindingResponse(right, from)).toHaveLength(32);
    const wrong = right.slice();
    wrong[8] = 0xff;
    expect(bindingResponse(wrong, from)).toBeUndefined();
    const early = request([
      { type: StunAttributeType.Fingerprint, value: new Uint8Array(4) },
      { type: StunAttributeType.Software, value: new Uint8Array(4) },
    ]);
    expect(bindingResponse(early, from)).toBeUndefined();
  });

  test.each([
    ['an indication', encodeStun({ ...decodeStun(request()), class: StunClass.Indication })],
    ['a success response', encodeStun({ ...decodeStun(request()), class: StunClass.Success })],
    ['an error response', encodeStun({ ...decodeStun(request()), class: StunClass.Error })],
    ['another method', encodeStun({ ...decodeStun(request()), method: 3 })],
    ['a truncated request', request().subarray(0, 19)],
    ['a request with a tail', Uint8Array.of(...request(), 0, 0, 0, 0)],
    ['nothing', new Uint8Array()],
    [
      'too many attributes',
      request(Array(MAX_STUN_ATTRIBUTES + 1).fill({ type: 0x8022, value: new Uint8Array() })),
    ],
  ])('%s gets no answer', (_, bytes) => {
    expect(bindingResponse(bytes, from)).toBeUndefined();
  });

  test('as many attributes as the limit allows are read', () => {
    const software = { type: StunAttributeType.Software, value: new Uint8Array() };
    expect(bindingResponse(request(Array(MAX_STUN_ATTRIBUTES).fill(software)), from)).toHaveLength(
      32,
    );
  });

  test('an address that is none is the caller’s mistake', () => {
    expect(() => bindingResponse(request(), { host: 'localhost', port: 1 })).toThrow('not an IP');
  });

  test('hostile bytes never throw, and never get more than the request and 24 bytes', () => {
    const known = request().subarray(0, 8);
    const tail = fc.uint8Array({ maxLength: 300 });
    const near = tail.map((rest) => Uint8Array.of(...known, ...rest));
    fc.assert(
      fc.property(fc.oneof(tail, near), (bytes) => {
        const response = bindingResponse(bytes, { host: '2001:db8::1', port: 1 });
        if (response !== undefined) expect(response.length).toBeLessThanOrEqual(bytes.length + 24);
      }),
    );
  });
});

describe('RFC 5769', () => {
  // §2.1 and §2.2, §2.3: the same transaction; the responses name an IPv4 and an IPv6 address.
  const head = '2112a442 b7e7a701bc34d686fa87dfae';
  const software = '8022 000b 7465737420766563746f7220';
  const sampleRequest = hex(`0001 0058 ${head}
    8022 0010 5354554e207465737420636c69656e74 0024 0004 6e0001ff 8029 0008 932ff9b151263b36
    0006 0009 6576746a3a68367659202020 0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    8028 0004 e57a3bcf`);
  const ipv4 = hex(`0101 003c ${head} ${software} 0020 0008 0001a147e112a643
    0008 0014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 8028 0004 c07d4c96`);
  const ipv6 = hex(`0101 0048 ${head} ${software} 0020 0014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    0008 0014 a382954e4be67bf11784c97c8292c275bfe3ed41 8028 0004 c8fb0b4c`);

  test.each([
    ['§2.2', ipv4, '192.0.2.1'],
    ['§2.3', ipv6, '2001:db8:1234:5678:11:2233:4455:6677'],
  ])('%s: XOR-MAPPED-ADDRESS, both ways', (_, bytes, host) => {
    const message = decodeStun(bytes);
    expect(mappedAddress(message)).toEqual({ host, port: 32853 });
    expect(xorMappedAddress({ host, port: 32853 }, message.transactionId)).toEqual(
      message.attributes[1],
    );
  });

  test.each([
    ['§2.1', sampleRequest],
    ['§2.2', ipv4],
    ['§2.3', ipv6],
  ])('%s: FINGERPRINT, both ways', (_, bytes) => {
    expect(checkFingerprint(bytes)).toBe(true);
    const message = decodeStun(bytes);
    const without = encodeStun({ ...message, attributes: message.attributes.slice(0, -1) });
    expect(checkFingerprint(without)).toBeUndefined();
    // Padding is free (the RFC pads with spaces): only messages without any come back the same.
    const padded = withFingerprint(without);
    expect(checkFingerprint(padded)).toBe(true);
    expect(padded).toHaveLength(bytes.length);
  });
});

describe('attributes', () => {
  test('an error code is decoded as it was encoded', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 300, max: 699 }),
        fc.string({ maxLength: 100 }),
        (code, text) => {
          const reason = new TextDecoder().decode(new TextEncoder().encode(text));
          expect(decodeErrorCode(errorCode({ code, reason }).value)).toEqual({ code, reason });
        },
      ),
    );
  });

  test('hostile values give a DecodeError and nothing else', () => {
    const decoders = [
      (value: Uint8Array) => decodeXorMappedAddress(value, transactionId),
      decodeErrorCode,
      decodeUnknownAttributes,
    ];
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 24 }),
        fc.constantFrom(...decoders),
        (value, decode) => {
          try {
            decode(value);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a reason over 509 bytes is refused', () => {
    const longest = errorCode({ code: 400, reason: 'x'.repeat(509) }).value;
    expect(decodeErrorCode(longest).reason).toHaveLength(509);
    expect(() => decodeErrorCode(Uint8Array.of(...longest, 120))).toThrow(DecodeError);
  });
});

function mappedAddress(message: StunMessage): { host: string; port: number } {
  const value = findAttribute(message, StunAttributeType.XorMappedAddress);
  return decodeXorMappedAddress(value ?? new Uint8Array(), message.transactionId);
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
