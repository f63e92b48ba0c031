import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError, isNetError } from '../base/index.ts';
import { loginBytes, type MemberScope } from '../cert/index.ts';
import { createNobleCrypto } from '../crypto/index.ts';
import { seededBytes } from '../testing/index.ts';
import {
  decodeSignedSignal,
  MAX_SIGNAL_BYTES,
  MAX_SIGNAL_PAYLOAD_BYTES,
  type OpenedSignal,
  openSignal,
  SIGNED_SIGNAL_OVERHEAD_BYTES,
  signSignal,
} from './index.ts';

const crypto = createNobleCrypto({ randomBytes: seededBytes(1) });
const alice = new Uint8Array(32).fill(1);
const bob = new Uint8Array(32).fill(2);
const scope: MemberScope = { app: 'arena', lobby: 'lobby-1', epoch: 4, from: 100, to: 200 };
const payload = Uint8Array.of(1, 2, 3);
const signal = signSignal(signedBy(alice), scope, payload);

describe('a signal', () => {
  test('opens for the scope it was signed for', () => {
    expect(open(scope)).toEqual({ payload });
  });

  test.each<[string, Partial<MemberScope>]>([
    ['another lobby', { lobby: 'lobby-2' }],
    ['another app', { app: 'chess' }],
    ['another sender', { from: 101 }],
    ['another receiver', { to: 201 }],
    ['sender and receiver swapped', { from: 200, to: 100 }],
  ])('replayed for %s is refused', (_, other) => {
    expect(open({ ...scope, ...other })).toEqual({ refused: 'unverified' });
  });

  test('of another epoch is refused, also with the epoch rewritten', () => {
    expect(open({ ...scope, epoch: 5 })).toEqual({ refused: 'otherEpoch' });
    const rewritten = signal.slice();
    rewritten[4] = 5;
    expect(open({ ...scope, epoch: 5 }, rewritten)).toEqual({ refused: 'unverified' });
  });

  test('reflected to its sender is refused: bob did not sign it', () => {
    const seenByAlice = { ...scope, from: 200, to: 100 };
    expect(openSignal(verifiedBy(bob), seenByAlice, signal)).toEqual({ refused: 'unverified' });
    expect(openSignal(verifiedBy(alice), seenByAlice, signal)).toEqual({ refused: 'unverified' });
    expect(open({ ...scope, from: 200, to: 200 })).toEqual({ refused: 'malformed' });
  });

  test('signed by another member is refused', () => {
    expect(open(scope, signSignal(signedBy(bob), scope, payload))).toEqual({
      refused: 'unverified',
    });
  });

  test('cannot be made of a signature for another purpose', () => {
    const login = loginBytes({
      purpose: 'session',
      origin: 'ws://x',
      app: 'arena',
      nonce: new Uint8Array(32),
      sessionKey: crypto.ed25519PublicKey(alice),
    });
    const forged = signSignal(() => signedBy(alice)(login), scope, payload);
    expect(open(scope, forged)).toEqual({ refused: 'unverified' });
  });

  test('with one changed bit anywhere is refused', () => {
    fc.assert(
      fc.property(fc.nat({ max: signal.length * 8 - 1 }), (at) => {
        const tampered = signal.slice();
        tampered[at >> 3] = (tampered[at >> 3] ?? 0) ^ (1 << (at & 7));
        expect(open(scope, tampered).refused).toBeDefined();
      }),
    );
  });

  test('with bytes added or cut is refused', () => {
    expect(open(scope, Uint8Array.of(...signal, 0))).toEqual({ refused: 'unverified' });
    expect(open(scope, signal.subarray(0, -1))).toEqual({ refused: 'unverified' });
    const head = signal.subarray(0, SIGNED_SIGNAL_OVERHEAD_BYTES - 1);
    expect(open(scope, head)).toEqual({ refused: 'malformed' });
  });
});

test('hostile bytes are refused, and give a DecodeError from the codec and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(open(scope, bytes).refused).toBeDefined();
      try {
        decodeSignedSignal(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});

test('the largest payload fills a signal exactly; one byte more is refused on both sides', () => {
  const largest = signSignal(signedBy(alice), scope, new Uint8Array(MAX_SIGNAL_PAYLOAD_BYTES));
  expect(largest).toHaveLength(MAX_SIGNAL_BYTES);
  expect(open(scope, largest).payload).toHaveLength(MAX_SIGNAL_PAYLOAD_BYTES);
  expect(open(scope, Uint8Array.of(...largest, 0))).toEqual({ refused: 'malformed' });
  let thrown: unknown;
  try {
    signSignal(signedBy(alice), scope, new Uint8Array(MAX_SIGNAL_PAYLOAD_BYTES + 1));
  } catch (error) {
    thrown = error;
  }
  expect(isNetError(thrown, 'SIGNAL_REFUSED')).toBe(true);
});

function signedBy(seed: Uint8Array): (envelope: Uint8Array) => Uint8Array {
  return (envelope) => crypto.ed25519Sign(seed, envelope);
}

function verifiedBy(seed: Uint8Array): (envelope: Uint8Array, signature: Uint8Array) => boolean {
  const key = crypto.ed25519PublicKey(seed);
  return (envelope, signature) => crypto.ed25519Verify(key, envelope, signature);
}

function open(at: MemberScope, bytes: Uint8Array = signal): OpenedSignal {
  return openSignal(verifiedBy(alice), at, bytes);
}
