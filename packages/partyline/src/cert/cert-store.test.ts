import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNetError } from '../base/index.ts';
import { createNobleCrypto } from '../crypto/index.ts';
import { mulberry32, seededBytes } from '../testing/index.ts';
import {
  CertStore,
  type CertStoreOptions,
  caKeyId,
  decodeCert,
  encodeCert,
  encodeSignedCert,
  issueCaCert,
  issueCert,
  type JudgeCertOptions,
  judgeCert,
  MAX_CHAIN_LENGTH,
  MAX_STORE_CERTS,
} from './index.ts';

const crypto = createNobleCrypto({ randomBytes: seededBytes(1) });
const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const keyOf = (n: number): Uint8Array => crypto.ed25519PublicKey(seedOf(n));
const idOf = (n: number): bigint => caKeyId(crypto, keyOf(n));
const period = { timeCreatedSec: 1000, timeExpirySec: 2000 };
const ROOT = 1;
const SESSION = 100;

/** `signer` certifies key `subject` as a CA. */
function ca(signer: number, subject: number, limits: object = {}): Uint8Array {
  return issueCaCert(crypto, seedOf(signer), {
    publicKey: keyOf(subject),
    ...period,
    ...limits,
  });
}

/** `signer` certifies a session. */
function leaf(signer: number, limits: object = {}): Uint8Array {
  const publicKey = keyOf(SESSION);
  const content = { identity: 'str:alice', publicKey, ...period, ...limits };
  return issueCert(crypto, seedOf(signer), content);
}

function storeOf(intermediates: Uint8Array[], options: CertStoreOptions = {}): CertStore {
  return new CertStore(crypto, { roots: [keyOf(ROOT)], intermediates, ...options });
}

function judge(store: CertStore, bytes: Uint8Array, options: Partial<JudgeCertOptions> = {}) {
  return judgeCert(decodeCert(bytes), {
    store,
    unsigned: 'reject',
    appId: 0,
    nowSec: 1500,
    ...options,
  });
}

describe('chains', () => {
  test('a root vouches for a certificate directly, and through intermediates in any order', () => {
    expect(judge(storeOf([]), leaf(ROOT)).chain?.keyIds).toEqual([idOf(ROOT)]);
    for (const intermediates of [
      [ca(ROOT, 2), ca(2, 3)],
      [ca(2, 3), ca(ROOT, 2)],
    ]) {
      const { chain, doubt } = judge(storeOf(intermediates), leaf(3));
      expect(chain?.keyIds).toEqual([idOf(3), idOf(2), idOf(ROOT)]);
      expect(doubt).toBeUndefined();
    }
  });

  test('a broken link is named', () => {
    const refused = (intermediates: Uint8Array[], signer: number) => () =>
      judge(storeOf(intermediates), leaf(signer));
    expect(refused([], 3)).toThrow(`CA key ${idOf(3)} is not known`);
    expect(refused([ca(2, 3)], 3)).toThrow(`CA key ${idOf(2)} is not known`);
  });

  test('a circle without a root is refused; with one it is left by the way that leads there', () => {
    const circle = [ca(2, 3), ca(3, 2)];
    expect(() => judge(storeOf(circle), leaf(3))).toThrow('in a circle');
    expect(() => judge(storeOf([ca(2, 2)]), leaf(2))).toThrow('in a circle');
    const older = { timeCreatedSec: 900 };
    const { chain } = judge(storeOf([...circle, ca(ROOT, 2, older)]), leaf(3));
    expect(chain?.keyIds).toEqual([idOf(3), idOf(2), idOf(ROOT)]);
  });

  test(`at most ${MAX_CHAIN_LENGTH} intermediates`, () => {
    const chainOf = (length: number) =>
      Array.from({ length }, (_, i) => ca(ROOT + i, ROOT + i + 1));
    const last = ROOT + MAX_CHAIN_LENGTH;
    expect(judge(storeOf(chainOf(MAX_CHAIN_LENGTH)), leaf(last)).chain).toBeDefined();
    const over = storeOf(chainOf(MAX_CHAIN_LENGTH + 1));
    expect(() => judge(over, leaf(last + 1))).toThrow('the chain is longer');
  });

  test('a key that signs for another in its name, or a bit changed in the chain: refused', () => {
    const { certBytes } = decodeCert(ca(ROOT, 2));
    const forged = encodeSignedCert({
      certBytes,
      ca: { keyId: idOf(ROOT), signature: crypto.ed25519Sign(seedOf(9), certBytes) },
    });
    expect(() => judge(storeOf([forged]), leaf(2))).toThrow('was not signed by');
    const stolen = decodeCert(leaf(9)).certBytes;
    const claimed = encodeSignedCert({
      certBytes: stolen,
      ca: { keyId: idOf(2), signature: crypto.ed25519Sign(seedOf(9), stolen) },
    });
    expect(() => judge(storeOf([ca(ROOT, 2)]), claimed)).toThrow('signature does not verify');
  });

  test('GNS: the newest valid certificate of a key counts, an expired one gives way', () => {
    const old = ca(ROOT, 2, { appIds: [7], timeCreatedSec: 1000 });
    const renewed = ca(ROOT, 2, { appIds: [0], timeCreatedSec: 1100 });
    expect(judge(storeOf([old, renewed]), leaf(2)).chain?.scope.appIds).toEqual([0]);
    const lapsed = ca(ROOT, 2, { appIds: [0], timeCreatedSec: 1200, timeExpirySec: 1300 });
    const { chain } = judge(storeOf([old, lapsed]), leaf(2, { appIds: [7] }), { appId: 7 });
    expect(chain?.scope.appIds).toEqual([7]);
  });

  test('time: until the first certificate of the chain expires, and not before it was made', () => {
    const store = storeOf([ca(ROOT, 2, { timeExpirySec: 1600 }), ca(2, 3)]);
    const at = (nowSec: number) => () => judge(store, leaf(3), { nowSec });
    expect(at(1599)).not.toThrow();
    expect(at(1600)).toThrow('has expired');
    expect(at(900)).toThrow('it is from the future');
    expect(() => judge(storeOf([]), leaf(ROOT), { nowSec: 2000 })).toThrow('it has expired');
  });
});

describe('limits of a chain intersect', () => {
  test('app ids', () => {
    const store = storeOf([ca(ROOT, 2, { appIds: [5, 6] }), ca(2, 3, { appIds: [6, 7] })]);
    const appIds = [5, 6, 7];
    expect(judge(store, leaf(3, { appIds }), { appId: 6 }).chain?.scope.appIds).toEqual([6]);
    for (const appId of [5, 7]) {
      expect(() => judge(store, leaf(3, { appIds }), { appId })).toThrow('its CA may not sign');
    }
    expect(() => judge(store, leaf(3, { appIds: [5] }), { appId: 6 })).toThrow('not authorized');
    const apart = storeOf([ca(ROOT, 2, { appIds: [5] }), ca(2, 3, { appIds: [6] })]);
    expect(() => judge(apart, leaf(3, { appIds }), { appId: 5 })).toThrow('left with no app');
  });

  test('data centers, only where one is asked for', () => {
    const store = storeOf([ca(ROOT, 2, { popIds: [10, 20] })]);
    expect(judge(store, leaf(2), { popId: 20 }).chain?.scope.popIds).toEqual([10, 20]);
    expect(() => judge(store, leaf(2), { popId: 30 })).toThrow('data center 30');
    const apart = storeOf([ca(ROOT, 2, { popIds: [10] }), ca(2, 3, { popIds: [20] })]);
    expect(() => judge(apart, leaf(3))).toThrow('left with no data center');
  });

  test('no chain grants more than each of its links, whatever they are', () => {
    const limits = fc.record({
      appIds: fc.uniqueArray(fc.nat({ max: 6 }), { maxLength: 4 }),
      timeExpirySec: fc.integer({ min: 1400, max: 1900 }),
    });
    fc.assert(
      fc.property(
        fc.array(limits, { minLength: 1, maxLength: 4 }),
        fc.nat({ max: 6 }),
        (links, appId) => {
          const store = storeOf(links.map((link, i) => ca(ROOT + i, ROOT + i + 1, link)));
          const allows = links.every(
            ({ appIds, timeExpirySec }) =>
              timeExpirySec > 1500 && (appIds.length === 0 || appIds.includes(appId)),
          );
          const bytes = leaf(ROOT + links.length, { appIds: [appId] });
          expect(isAccepted(() => judge(store, bytes, { appId }))).toBe(allows);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('revocation', () => {
  test.each([
    ['the root', ROOT],
    ['an intermediate', 2],
    ['the certificate’s own CA', 3],
    ['the session key', SESSION],
  ])('%s: nothing below it is believed, from then on', (_, revoked) => {
    const chain = [ca(ROOT, 2), ca(2, 3)];
    const store = storeOf(chain);
    expect(judge(store, leaf(3)).chain).toBeDefined();
    store.revoke(idOf(revoked));
    expect(() => judge(store, leaf(3))).toThrow('was revoked');
    const born = storeOf(chain, { revokedKeyIds: [idOf(revoked)] });
    expect(() => judge(born, leaf(3))).toThrow('was revoked');
  });

  test('a key certified anew stays revoked', () => {
    const store = storeOf([ca(ROOT, 2)], { revokedKeyIds: [idOf(2)] });
    store.add(ca(ROOT, 2, { timeCreatedSec: 1400 }));
    expect(() => judge(store, leaf(2))).toThrow('was revoked');
  });
});

describe('what the store takes', () => {
  test('a person’s certificate passes no trust on, so no player can vouch for another', () => {
    expect(() => storeOf([leaf(ROOT)])).toThrow('signs for nobody');
    // Nor does one that was never installed: chains do not come from peers.
    expect(() => judge(storeOf([]), leaf(SESSION))).toThrow('is not known');
  });

  test('unsigned, without expiry, malformed: refused', () => {
    const publicKey = keyOf(2);
    const add = (bytes: Uint8Array) => () => storeOf([]).add(bytes);
    const bare = encodeCert({ publicKey, appIds: [], ...period });
    expect(add(encodeSignedCert({ certBytes: bare }))).toThrow('it is not signed');
    const certBytes = encodeCert({ publicKey, appIds: [] });
    const signature = crypto.ed25519Sign(seedOf(ROOT), certBytes);
    const endless = encodeSignedCert({ certBytes, ca: { keyId: idOf(ROOT), signature } });
    expect(add(endless)).toThrow('it has no expiry');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(isAccepted(add(bytes))).toBe(false);
      }),
    );
  });

  test(`at most ${MAX_STORE_CERTS}; the same one again takes no place`, () => {
    const store = storeOf([]);
    const random = mulberry32(5);
    const one = decodeCert(ca(ROOT, 2));
    for (let i = 0; i < MAX_STORE_CERTS; i++) {
      const signature = Uint8Array.from({ length: 64 }, () => random() * 256);
      const bytes = encodeSignedCert({ ...one, ca: { keyId: BigInt(i), signature } });
      store.add(bytes);
      store.add(bytes);
    }
    expect(() => store.add(ca(ROOT, 3))).toThrow(`holds ${MAX_STORE_CERTS}`);
  });

  test('four hundred certificates in circles are searched once, and no signature is checked in vain', () => {
    const calls = { verified: 0 };
    const counting = {
      ...crypto,
      ed25519Verify: (...args: Parameters<typeof crypto.ed25519Verify>) => {
        calls.verified += 1;
        return crypto.ed25519Verify(...args);
      },
    };
    const ring = Array.from({ length: 20 }, (_, i) =>
      Array.from({ length: 20 }, (_, j) => ca(2 + i, 2 + j)),
    ).flat();
    const store = new CertStore(counting, { roots: [keyOf(ROOT)], intermediates: ring });
    expect(() => judge(store, leaf(2))).toThrow('in a circle');
    expect(calls.verified).toBe(0);
  });
});

describe('peers that nobody vouches for', () => {
  const selfMade = encodeSignedCert({
    certBytes: encodeCert({ identity: 'str:alice', publicKey: keyOf(SESSION), appIds: [0] }),
  });

  test.each([
    ['unsigned', selfMade],
    ['signed by a stranger', leaf(9)],
    ['expired', leaf(ROOT, { timeExpirySec: 1400 })],
  ])('%s: rejected, taken with a warning, or taken', (_, bytes) => {
    const store = storeOf([]);
    expect(() => judge(store, bytes)).toThrow('unauthenticated connections not allowed');
    const warned = judge(store, bytes, { unsigned: 'warn' });
    expect([warned.chain, warned.isWarned]).toEqual([undefined, true]);
    expect(warned.doubt).toContain('certificate refused');
    const allowed = judge(store, bytes, { unsigned: 'allow' });
    expect([allowed.chain, allowed.isWarned]).toEqual([undefined, false]);
  });

  test('what an unsigned certificate says of apps holds all the same', () => {
    const content = { identity: 'str:alice', publicKey: keyOf(SESSION) };
    const say = (appIds: number[]) => () =>
      judge(storeOf([]), encodeSignedCert({ certBytes: encodeCert({ ...content, appIds }) }), {
        unsigned: 'allow',
      });
    expect(say([0, 7])).not.toThrow();
    expect(say([7])).toThrow('not authorized for appid 0');
    expect(say([])).toThrow('bound to no app id');
  });

  test('anonymous: needs no app id when unsigned, and is nobody’s to sign', () => {
    const anonymous = encodeCert({ identity: 'ip:::1', publicKey: keyOf(SESSION), appIds: [] });
    const unsigned = 'allow';
    const bare = encodeSignedCert({ certBytes: anonymous });
    expect(judge(storeOf([]), bare, { unsigned }).chain).toBeUndefined();
    const signature = crypto.ed25519Sign(seedOf(ROOT), anonymous);
    const signed = encodeSignedCert({ certBytes: anonymous, ca: { keyId: idOf(ROOT), signature } });
    expect(() => judge(storeOf([]), signed, { unsigned })).toThrow('names nobody');
  });

  test('a store without roots verifies nobody', () => {
    const store = new CertStore(crypto);
    expect(store.hasRoots).toBe(false);
    expect(() => judge(store, leaf(ROOT))).toThrow('is not known');
    expect(() => new CertStore(crypto, { roots: [new Uint8Array(31)] })).toThrow('32 bytes');
  });
});

/** True, or false for CERT_INVALID; anything else is a bug. */
function isAccepted(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (isNetError(error, 'CERT_INVALID')) return false;
    throw error;
  }
}
