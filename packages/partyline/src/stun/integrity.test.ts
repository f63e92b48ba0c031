import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError, utf8 } from '../base/index.ts';
import {
  checkMessageIntegrity,
  decodePasswordAlgorithms,
  decodeStun,
  encodeStun,
  findAttribute,
  integrityOf,
  longTermKey,
  nonceCookie,
  opaqueString,
  PasswordAlgorithm,
  passwordAlgorithm,
  passwordAlgorithms,
  protectedAttributes,
  SecurityFeature,
  StreamSplitter,
  StunAttributeType,
  StunClass,
  type StunCrypto,
  type StunMessage,
  securityFeatures,
  stunFrameLength,
  userhash,
  withFingerprint,
  withMessageIntegrity,
} from './index.ts';

const hash = (name: string) => (bytes: Uint8Array) =>
  new Uint8Array(createHash(name).update(bytes).digest());
const hmac = (name: string) => (key: Uint8Array, bytes: Uint8Array) =>
  new Uint8Array(createHmac(name, key).update(bytes).digest());
const crypto: StunCrypto = {
  md5: hash('md5'),
  sha256: hash('sha256'),
  hmacSha1: hmac('sha1'),
  hmacSha256: hmac('sha256'),
};

const shortTermKey = utf8('VOkJxbRl1RmTxUk/WvJxBt');
const matrix = { username: 'マトリックス', realm: 'example.org', password: 'TheMatrIX' };
const head = '2112a442 b7e7a701bc34d686fa87dfae';
const software = '8022 000b 7465737420766563746f7220';
const longTermHead = '2112a442 78ad3433c6ad72c029da412e';

const rfc5769 = {
  '§2.1, a request': hex(`0001 0058 ${head}
    8022 0010 5354554e207465737420636c69656e74 0024 0004 6e0001ff 8029 0008 932ff9b151263b36
    0006 0009 6576746a3a68367659202020 0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    8028 0004 e57a3bcf`),
  '§2.2, an IPv4 response': hex(`0101 003c ${head} ${software} 0020 0008 0001a147e112a643
    0008 0014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 8028 0004 c07d4c96`),
  '§2.3, an IPv6 response': hex(`0101 0048 ${head} ${software}
    0020 0014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    0008 0014 a382954e4be67bf11784c97c8292c275bfe3ed41 8028 0004 c8fb0b4c`),
};
const rfc5769LongTerm = hex(`0001 0060 ${longTermHead}
  0006 0012 e3839ee38388e383aae38383e382afe382b9 0000
  0015 001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
  0014 000b 6578616d706c652e6f7267 00
  0008 0014 f67024656dd64a3e02b8e0712e85c9a28ca89666`);
/** With erratum 6268: the length in the RFC's text counts the header. */
const rfc8489 = hex(`0001 0090 ${longTermHead}
  001e 0020 4a3cf38fef6992bda952c6780417da0f2481941556 9e60b205c46e41407f1704
  0015 0029 6f624d61744a6f7332414141 43662f2f3439396b39353464364f4c33346f4c39465354767936347341 000000
  0014 000b 6578616d706c652e6f7267 00
  001d 0004 00020000
  001c 0020 b5c7bf005b6c52a21c51c5e892f81924136296cb927c4314 9309278cc6518e65`);

describe('message integrity', () => {
  test.each(Object.entries(rfc5769))('RFC 5769 %s: short-term credential', (_, bytes) => {
    expectIntegrity(bytes, shortTermKey, 'sha1');
  });

  test('RFC 5769 §2.4: long-term credential, MD5 and HMAC-SHA1', () => {
    expectIntegrity(rfc5769LongTerm, longTermKey(crypto, matrix, PasswordAlgorithm.Md5), 'sha1');
  });

  test('RFC 8489 §B.1: long-term credential, SHA-256 throughout, and USERHASH', () => {
    const key = longTermKey(crypto, matrix, PasswordAlgorithm.Sha256);
    expectIntegrity(rfc8489, key, 'sha256');
    const message = decodeStun(rfc8489);
    expect(findAttribute(message, StunAttributeType.Userhash)).toEqual(
      userhash(crypto, matrix.username, matrix.realm),
    );
    const algorithm = findAttribute(message, StunAttributeType.PasswordAlgorithm);
    expect(decodePasswordAlgorithms(algorithm ?? new Uint8Array())).toEqual([2]);
  });

  test.each(['sha1', 'sha256'] as const)(
    '%s: what is added verifies, alone and before FINGERPRINT',
    (algorithm) => {
      const signed = withMessageIntegrity(crypto, anyRequest(), shortTermKey, algorithm);
      expectIntegrity(signed, shortTermKey, algorithm);
      expectIntegrity(withFingerprint(signed), shortTermKey, algorithm);
    },
  );

  test('no bit of a signed message can change, except in what follows the MAC', () => {
    const signed = withMessageIntegrity(crypto, anyRequest(), shortTermKey, 'sha256');
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = signed.slice();
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(isAccepted(changed, shortTermKey)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test('RFC 8489 §14.6: a MAC may be cut to 16 bytes, not below, and only to a multiple of four', () => {
    const message = decodeStun(anyRequest());
    const whole = withMessageIntegrity(crypto, encodeStun(message), shortTermKey, 'sha256');
    expect(isAccepted(whole, shortTermKey)).toBe(true);
    for (const [bytes, accepted] of [
      [28, true],
      [16, true],
      [12, false],
      [0, false],
      [36, false],
    ] as const) {
      const unsigned = encodeStun({
        ...message,
        attributes: [
          ...message.attributes,
          { type: StunAttributeType.MessageIntegritySha256, value: new Uint8Array(bytes) },
        ],
      });
      const mac = crypto.hmacSha256(
        shortTermKey,
        unsigned.subarray(0, unsigned.length - 4 - bytes),
      );
      unsigned.set(mac.subarray(0, bytes), unsigned.length - bytes);
      expect([bytes, isAccepted(unsigned, shortTermKey)]).toEqual([bytes, accepted]);
    }
  });

  test('RFC 8489 §14.5: what stands behind the MAC is not protected, and not to be used', () => {
    const signed = decodeStun(withMessageIntegrity(crypto, anyRequest(), shortTermKey, 'sha1'));
    const added = { type: 0x0012, value: new Uint8Array(8) };
    const longer = encodeStun({ ...signed, attributes: [...signed.attributes, added] });
    expect(isAccepted(longer, shortTermKey)).toBe(true);
    expect(protectedAttributes(decodeStun(longer)).map(({ type }) => type)).toEqual([0x8022]);
  });

  test('a message without a MAC is not accepted', () => {
    expect(integrityOf(decodeStun(anyRequest()))).toBeUndefined();
    expect(isAccepted(anyRequest(), shortTermKey)).toBe(false);
  });
});

describe('long-term credentials', () => {
  test('RFC 8265 §4.2: other spaces and compositions do not change a key', () => {
    expect(opaqueString('pass\u00a0word\u3000e\u0301')).toBe('pass word é');
  });

  test('RFC 8489 §9.2: the nonce cookie says what the server can do', () => {
    expect(nonceCookie(0)).toBe('obMatJos2AAAA');
    expect(nonceCookie(SecurityFeature.PasswordAlgorithms)).toBe('obMatJos2gAAA');
    for (const features of [0, 1, 0x800000, 0xc00000, 0xffffff]) {
      expect(securityFeatures(`${nonceCookie(features)}tail`)).toBe(features);
    }
    for (const nonce of [
      '',
      'obMatJos2',
      'obMatJos2AA',
      'obMatJos2....',
      'other-nonce-of-length',
    ]) {
      expect(securityFeatures(nonce)).toBe(0);
    }
  });

  test('password algorithms are decoded as they were encoded; hostile bytes give a DecodeError', () => {
    expect(decodePasswordAlgorithms(passwordAlgorithms([2, 1]).value)).toEqual([2, 1]);
    expect(decodePasswordAlgorithms(passwordAlgorithm(2).value)).toEqual([2]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (value) => {
        try {
          expect(decodePasswordAlgorithms(value).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });
});

describe('RFC 8489 §6.2.2: STUN on a stream', () => {
  test('messages come out whole, however the stream is cut', () => {
    const messages = [...Object.values(rfc5769), rfc5769LongTerm, rfc8489];
    const stream = Uint8Array.from(messages.flatMap((bytes) => [...bytes]));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 60 }), (cuts) => {
        const splitter = new StreamSplitter(stunFrameLength, 1024);
        const frames: Uint8Array[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          const chunk = stream.slice(at, at + cut);
          expect(splitter.split(chunk, (frame) => frames.push(frame.slice()))).toBe(true);
          at += cut;
        }
        expect(frames).toEqual(messages);
        expect(splitter.bufferedBytes).toBe(0);
      }),
    );
  });

  test('what begins no message, or one that is too long, ends the stream and is not kept', () => {
    for (const start of [hex('4000 0004'), hex('0001 0003'), hex('0001 0400')]) {
      const splitter = new StreamSplitter(stunFrameLength, 1024);
      expect(splitter.split(start, () => {})).toBe(false);
      expect(splitter.bufferedBytes).toBe(0);
    }
    expect(new StreamSplitter(stunFrameLength, 1024).split(hex('0001 03ec'), () => {})).toBe(true);
  });
});

function anyRequest(): Uint8Array {
  const message: StunMessage = {
    class: StunClass.Request,
    method: 1,
    transactionId: new Uint8Array(12).fill(7),
    attributes: [{ type: StunAttributeType.Software, value: utf8('test') }],
  };
  return encodeStun(message);
}

function isAccepted(bytes: Uint8Array, key: Uint8Array): boolean {
  try {
    return checkMessageIntegrity(crypto, bytes, decodeStun(bytes), key);
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}

function expectIntegrity(bytes: Uint8Array, key: Uint8Array, algorithm: 'sha1' | 'sha256'): void {
  const message = decodeStun(bytes);
  expect(integrityOf(message)).toBe(algorithm);
  expect(checkMessageIntegrity(crypto, bytes, message, key)).toBe(true);
  expect(checkMessageIntegrity(crypto, bytes, message, utf8('another key'))).toBe(false);
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
