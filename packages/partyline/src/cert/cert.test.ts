import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError, isNetError, ProtobufWriter, utf8 } from '../base/index.ts';
import { createNobleCrypto } from '../crypto/index.ts';
import { seededBytes } from '../testing/index.ts';
import {
  CERT_CLOCK_SKEW_SEC,
  caKeyId,
  decodeCert,
  encodeCert,
  encodeSignedCert,
  issueCert,
  MAX_CERT_APP_IDS,
  MAX_CERT_BYTES,
  MAX_IDENTITY_BYTES,
  type VerifyCertOptions,
  verifyCert,
} from './index.ts';

const crypto = createNobleCrypto({ randomBytes: seededBytes(1) });
const caSeed = new Uint8Array(32).fill(1);
const caPublicKey = crypto.ed25519PublicKey(caSeed);
const publicKey = crypto.ed25519PublicKey(new Uint8Array(32).fill(2));
const identity = `str:g${'a'.repeat(26)}`;
const content = { identity, publicKey, appIds: [0], timeCreatedSec: 1000, timeExpirySec: 2000 };
const issued = issueCert(crypto, caSeed, content);
const now: VerifyCertOptions = { caPublicKey, nowSec: 1500 };

describe('verifyCert', () => {
  test('what the CA issued is verified, and says who and which key', () => {
    const verified = verifyCert(crypto, issued, { ...now, identity });
    expect(verified).toEqual({ identity, publicKey, timeExpirySec: 2000 });
  });

  test('who knows how its key is called issues the same certificate', () => {
    const keyId = caKeyId(crypto, caPublicKey);
    expect(issueCert(crypto, caSeed, { ...content, caKeyId: keyId })).toEqual(issued);
  });

  test('the period is [created - skew, expiry)', () => {
    const at = (nowSec: number) => () => verifyCert(crypto, issued, { caPublicKey, nowSec });
    expect(at(1999)).not.toThrow();
    expect(at(2000)).toThrow('it has expired');
    expect(at(1000 - CERT_CLOCK_SKEW_SEC)).not.toThrow();
    expect(at(999 - CERT_CLOCK_SKEW_SEC)).toThrow('it is from the future');
  });

  test('another identity, another CA, or no signature: refused', () => {
    const verify = (bytes: Uint8Array, options = now) =>
      refusal(() => verifyCert(crypto, bytes, options));
    expect(verify(issued, { ...now, identity: `${identity}b` })).toContain('names another');
    const otherSeed = new Uint8Array(32).fill(9);
    expect(verify(issueCert(crypto, otherSeed, content))).toContain('another CA');
    // The right CA named, but signed with another key.
    const { certBytes } = decodeCert(issued);
    const keyId = caKeyId(crypto, caPublicKey);
    const signature = crypto.ed25519Sign(otherSeed, certBytes);
    const forged = encodeSignedCert({ certBytes, ca: { keyId, signature } });
    expect(verify(forged)).toContain('signature does not verify');
    expect(verify(encodeSignedCert({ certBytes }))).toContain('not signed');
  });

  test('signed, but without period or identity: refused', () => {
    const sign = (cert: Parameters<typeof encodeCert>[0]) => {
      const certBytes = encodeCert(cert);
      const ca = {
        keyId: caKeyId(crypto, caPublicKey),
        signature: crypto.ed25519Sign(caSeed, certBytes),
      };
      return () => verifyCert(crypto, encodeSignedCert({ certBytes, ca }), now);
    };
    const times = { timeCreatedSec: 1000, timeExpirySec: 2000 };
    expect(refusal(sign({ publicKey, identity, appIds: [0] }))).toContain('no validity period');
    expect(refusal(sign({ publicKey, appIds: [0], ...times }))).toContain('names nobody');
  });

  test('one changed bit anywhere is refused', () => {
    fc.assert(
      fc.property(fc.nat({ max: issued.length * 8 - 1 }), (at) => {
        const tampered = issued.slice();
        tampered[at >> 3] = (tampered[at >> 3] ?? 0) ^ (1 << (at & 7));
        refusal(() => verifyCert(crypto, tampered, { ...now, identity }));
      }),
    );
  });

  test('cut anywhere it is refused', () => {
    for (let length = 0; length < issued.length; length++) {
      refusal(() => verifyCert(crypto, issued.subarray(0, length), now));
    }
  });
});

describe('decodeCert', () => {
  test('hostile bytes give a DecodeError, and CERT_INVALID from verifyCert', () => {
    const inner = fc
      .uint8Array({ maxLength: 200 })
      .map((certBytes) => encodeSignedCert({ certBytes }));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), inner), (bytes) => {
        try {
          decodeCert(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
        refusal(() => verifyCert(crypto, bytes, now));
      }),
    );
  });

  test.each([
    [
      'an identity over its limit',
      wrap((w) => w.bytes(12, new Uint8Array(MAX_IDENTITY_BYTES + 1))),
    ],
    ['an identity that is not UTF-8', wrap((w) => w.bytes(12, Uint8Array.of(0xff, 0xfe)))],
    ['too many app ids, packed', wrap((w) => w.bytes(10, new Uint8Array(MAX_CERT_APP_IDS + 1)))],
    ['an app id of another type', wrap((w) => w.fixed32(10, 0))],
    ['a second key', wrap((w) => w.bytes(2, publicKey))],
    ['a time of another type', wrap((w) => w.varint(8, 1000))],
    ['a key type of somebody else', encodeInner(2, publicKey)],
    ['a key of 31 bytes', encodeInner(1, publicKey.subarray(1))],
    [
      'a key id without a signature',
      new ProtobufWriter().bytes(4, inner()).fixed64(5, 1n).finish(),
    ],
    [
      'a signature of 63 bytes',
      new ProtobufWriter().bytes(4, inner()).fixed64(5, 1n).bytes(6, new Uint8Array(63)).finish(),
    ],
    ['a certificate twice', new ProtobufWriter().bytes(4, inner()).bytes(4, inner()).finish()],
    ['no certificate', new ProtobufWriter().fixed64(5, 1n).bytes(6, new Uint8Array(64)).finish()],
    ['more bytes than the limit', wrap((w) => w.bytes(99, new Uint8Array(MAX_CERT_BYTES)))],
  ])('%s is refused', (_, bytes) => {
    expect(() => decodeCert(bytes)).toThrow(DecodeError);
  });

  test('unknown fields are skipped, packed app ids are read, limits are inclusive', () => {
    const bytes = wrap((writer) =>
      writer
        .bytes(10, new Uint8Array(MAX_CERT_APP_IDS))
        .bytes(12, new Uint8Array(MAX_IDENTITY_BYTES).fill(97))
        .varint(77, 1),
    );
    const { cert } = decodeCert(bytes);
    expect(cert.appIds).toHaveLength(MAX_CERT_APP_IDS);
    expect(cert.identity).toHaveLength(MAX_IDENTITY_BYTES);
  });

  test('it keeps its own copy: the datagram may be reused', () => {
    const datagram = issued.slice();
    const { certBytes, cert } = decodeCert(datagram);
    datagram.fill(0);
    expect(encodeCert(cert)).toEqual(certBytes);
  });
});

describe('certificates of native GNS (test/vectors/gns-certs.json)', () => {
  test('ours, as the native side accepted it, is encoded byte for byte', () => {
    const cert = { publicKey: hex(vectors.us.publicKey), identity: 'str:probe', appIds: [0] };
    expect(encodeCert(cert)).toEqual(hex(vectors.us.cert));
  });

  test('the native one: key and identity, no period, exact bytes kept, nobody signed it', () => {
    const signed = encodeSignedCert({ certBytes: hex(vectors.native.cert) });
    const { certBytes, cert, ca } = decodeCert(signed);
    expect(certBytes).toEqual(hex(vectors.native.cert));
    expect(cert).toEqual({
      publicKey: hex(vectors.native.publicKey),
      identity: 'ip:::1',
      appIds: [0],
    });
    expect(ca).toBeUndefined();
    expect(refusal(() => verifyCert(crypto, signed, now))).toContain('not signed');
  });

  test('its key verifies the signature over its crypt info', () => {
    const { publicKey, info, infoSignature } = vectors.native;
    expect(crypto.ed25519Verify(hex(publicKey), hex(info), hex(infoSignature))).toBe(true);
  });
});

describe('issueCert', () => {
  test.each([
    ['a key of 31 bytes', { publicKey: publicKey.subarray(1) }],
    ['an identity without a form', { identity: 'alice' }],
    ['an identity over 31 bytes', { identity: `str:${'a'.repeat(32)}` }],
    ['an identity in its second spelling', { identity: 'gen:AB' }],
    ['no app id', { appIds: [] }],
    ['too many app ids', { appIds: Array<number>(MAX_CERT_APP_IDS + 1).fill(0) }],
    ['an app id over 32 bits', { appIds: [2 ** 32] }],
    ['a time in fractions', { timeCreatedSec: 1000.5 }],
    ['a time in milliseconds', { timeExpirySec: 1_767_225_600_000 }],
    ['an end before its beginning', { timeExpirySec: 1000 }],
  ])('%s is refused', (_, wrong) => {
    const call = () => issueCert(crypto, caSeed, { ...content, ...wrong });
    expect(refusal(call, 'OPTIONS_INVALID')).toContain('no certificate issued');
  });

  test('the CA is named by the first 8 bytes of SHA-256 of its key, little endian', () => {
    // Valve's own root, hard-coded in GNS's certstore.h with this id.
    const valve = hex('9aeca04e1751ce6268d569002ca1e1fa1b2dbc26d36b4ea3a0083ad372829b84');
    expect(caKeyId(crypto, valve)).toBe(18220590129359924542n);
  });
});

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/gns-certs.json', import.meta.url), 'utf8'),
) as Record<'us' | 'native', Record<'publicKey' | 'cert' | 'info' | 'infoSignature', string>>;

function inner(): Uint8Array {
  return encodeCert({ publicKey, appIds: [] });
}

function wrap(add: (writer: ProtobufWriter) => ProtobufWriter): Uint8Array {
  const certBytes = add(new ProtobufWriter().varint(1, 1).bytes(2, publicKey)).finish();
  return encodeSignedCert({ certBytes });
}

function encodeInner(keyType: number, key: Uint8Array): Uint8Array {
  const certBytes = new ProtobufWriter().varint(1, keyType).bytes(2, key).bytes(12, utf8(identity));
  return encodeSignedCert({ certBytes: certBytes.finish() });
}

/** The message of the NetError thrown; anything else fails the test. */
function refusal(
  call: () => unknown,
  code: 'CERT_INVALID' | 'OPTIONS_INVALID' = 'CERT_INVALID',
): string {
  try {
    call();
  } catch (error) {
    if (isNetError(error, code)) return error.message;
    throw error;
  }
  throw new Error(`nothing was refused with ${code}`);
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
