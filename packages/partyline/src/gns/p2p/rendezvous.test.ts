import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecodeError, fromBase64Url } from '../../base/index.ts';
import { decodeCert } from '../../cert/index.ts';
import { createNobleCrypto } from '../../crypto/index.ts';
import { nobleSealing } from '../../crypto/sealing/index.ts';
import { seededBytes } from '../../testing/index.ts';
import { Cipher, decodeCryptInfo, decodeSignedCryptInfo } from '../crypt-share.ts';
import { deriveSessionKeys } from '../key-schedule.ts';
import { decodeConnectionClosed, decodeNoConnection } from '../messages.ts';
import { PacketCipher } from '../packet-cipher.ts';
import { DataHeader } from '../packet-header.ts';
import { PacketType } from '../protocol.ts';
import { p2pLimits } from './limits.ts';
import { decodeRendezvous, encodeRendezvous, type Rendezvous } from './rendezvous.ts';

const crypto = { ...createNobleCrypto({ randomBytes: seededBytes(1) }), ...nobleSealing };
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

interface Entry {
  readonly kind: 'signal' | 'datagram';
  readonly from: 'us' | 'native';
  readonly hex: string;
  readonly packetNumber?: string;
  readonly plaintext?: string;
}

interface Vector {
  readonly us: Record<
    'identity' | 'icePassword' | 'x25519Private' | 'nonce' | 'cert' | 'info',
    string
  > & { readonly connectionId: number };
  readonly native: Record<'identity' | 'icePassword', string> & { readonly connectionId: number };
  readonly derived: Record<
    'keyClientToServer' | 'keyServerToClient' | 'ivClientToServer' | 'ivServerToClient',
    string
  >;
  readonly log: readonly Entry[];
}

/** Recorded between a minimal client and the native library, protocol version 13. */
const vector: Vector = JSON.parse(
  readFileSync(new URL('../../../test/vectors/gns-p2p-connection.json', import.meta.url), 'utf8'),
);
const signals = vector.log.filter(({ kind }) => kind === 'signal').map((entry) => hex(entry.hex));
const [request, answer, ack] = signals.map(decodeRendezvous);

describe('the recorded rendezvous', () => {
  test('the request names both ends, the virtual port, password and candidate', () => {
    expect(request).toMatchObject({
      from: vector.us.identity,
      fromConnectionId: vector.us.connectionId,
      to: vector.native.identity,
      toConnectionId: 0,
      isIceEnabled: true,
      connectRequest: { toVirtualPort: 0, fromVirtualPort: 0, identity: vector.us.identity },
      first: 1,
      messages: [
        { type: 'auth', password: vector.us.icePassword },
        { type: 'candidate', text: 'candidate:1 0 udp 2130706431 10.77.0.1 59830 typ host' },
      ],
    });
  });

  test('the native answer decodes, and encodes again to the same bytes', () => {
    expect(answer).toMatchObject({
      from: vector.native.identity,
      fromConnectionId: vector.native.connectionId,
      to: vector.us.identity,
      toConnectionId: vector.us.connectionId,
      acked: 2,
      first: 1,
      messages: [{ type: 'auth', password: vector.native.icePassword }, { type: 'candidate' }],
    });
    expect(toHex(encodeRendezvous(answer as Rendezvous))).toBe(toHex(signals[1] as Uint8Array));
  });

  test('the acknowledgement acknowledges and says nothing else', () => {
    expect(ack).toMatchObject({ toConnectionId: vector.native.connectionId, acked: 2, first: 0 });
    expect(ack?.messages).toEqual([]);
    expect(ack?.connectRequest ?? ack?.connectOk ?? ack?.connectionClosed).toBeUndefined();
  });

  test('what both sides showed gives the recorded keys, and these open the recorded data', () => {
    const { connectRequest } = request ?? {};
    const { connectOk } = answer ?? {};
    if (connectRequest === undefined || connectOk === undefined) throw new Error('no handshake');
    const clientInfo = decodeSignedCryptInfo(connectRequest.crypt).infoBytes;
    const serverInfo = decodeSignedCryptInfo(connectOk.crypt).infoBytes;
    const clientCert = decodeCert(connectRequest.cert).certBytes;
    expect([toHex(clientInfo), toHex(clientCert)]).toEqual([vector.us.info, vector.us.cert]);
    const { publicKey, nonce } = decodeCryptInfo(serverInfo);
    const keys = deriveSessionKeys(crypto, {
      secret: fromBase64Url(vector.us.x25519Private) ?? new Uint8Array(),
      remotePublicKey: publicKey,
      clientNonce: BigInt(vector.us.nonce),
      serverNonce: nonce,
      clientConnectionId: vector.us.connectionId,
      serverConnectionId: vector.native.connectionId,
      clientCertBytes: clientCert,
      serverCertBytes: decodeCert(connectOk.cert).certBytes,
      clientInfoBytes: clientInfo,
      serverInfoBytes: serverInfo,
    });
    expect(
      Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, toHex(key)])),
    ).toEqual({
      clientToServerKey: vector.derived.keyClientToServer,
      serverToClientKey: vector.derived.keyServerToClient,
      clientToServerIv: vector.derived.ivClientToServer,
      serverToClientIv: vector.derived.ivServerToClient,
    });
    const { serverToClientKey: key, serverToClientIv: iv } = keys;
    const down = new PacketCipher(Cipher.Aes256Gcm, () => crypto.packetAead(key, iv));
    const header = new DataHeader();
    for (const { hex: text, packetNumber, plaintext = '' } of vector.log) {
      if (packetNumber === undefined) continue;
      header.decode(hex(text));
      const opened = down.open(Number(packetNumber), hex(text).subarray(header.bodyAt));
      expect(toHex(opened ?? new Uint8Array())).toBe(plaintext);
    }
  });

  test('the close over the path is answered with both ids swapped', () => {
    const ofType = (type: number): Uint8Array =>
      vector.log.map((entry) => hex(entry.hex)).find((bytes) => bytes[0] === type) ?? hex('');
    const closed = ofType(PacketType.ConnectionClosed);
    const answered = ofType(PacketType.NoConnection);
    const { to, from, reason, debug } = decodeConnectionClosed(closed);
    expect({ reason, debug }).toEqual({ reason: 1000, debug: 'bye' });
    expect(decodeNoConnection(answered)).toEqual({ from: to, to: from });
  });
});

const bytesOf = fc.uint8Array({ minLength: 1, maxLength: 200 });
const word = fc.string({ maxLength: 40 });
const port = fc.nat(0x7fff_ffff);
const shown = fc.record({ crypt: bytesOf, cert: bytesOf });
const message = fc.oneof(
  fc.record({ type: fc.constant('auth' as const), password: word }),
  fc.record({ type: fc.constant('candidate' as const), text: word }),
);
const id = fc.integer({ min: 0, max: 0xffff_ffff });

test('every signal decodes to what was encoded', () => {
  const optional = { requiredKeys: [] };
  fc.assert(
    fc.property(
      fc.record({
        from: word,
        fromConnectionId: id,
        toConnectionId: id,
        isIceEnabled: fc.boolean(),
      }),
      fc.record({ to: word, connectOk: shown }, optional),
      fc.option(
        fc.tuple(shown, fc.record({ toVirtualPort: port, fromVirtualPort: port }, optional)),
      ),
      fc.record({ acked: fc.nat(), messages: fc.array(message, { maxLength: 20 }) }),
      (ids, { to, connectOk }, asked, stream) => {
        const identity = ids.from;
        const signal: Rendezvous = {
          ...ids,
          ...stream,
          first: stream.messages.length > 0 ? 7 : 0,
          ...(to === undefined ? {} : { to }),
          ...(connectOk === undefined ? {} : { connectOk: { ...connectOk, identity } }),
          ...(asked === null ? {} : { connectRequest: { ...asked[0], ...asked[1], identity } }),
        };
        expect(decodeRendezvous(encodeRendezvous(signal))).toEqual(signal);
      },
    ),
  );
});

test('a close says why, in at most 127 characters, and nothing of the sub-stream', () => {
  const signal = decodeRendezvous(
    encodeRendezvous({
      from: 'str:a',
      fromConnectionId: 1,
      toConnectionId: 2,
      isIceEnabled: true,
      connectionClosed: { reason: 5009, debug: 'x'.repeat(300) },
      acked: 5,
      first: 0,
      messages: [],
    }),
  );
  expect(signal.connectionClosed).toEqual({ reason: 5009, debug: 'x'.repeat(127) });
  expect(signal.acked).toBe(0);
});

test('hostile bytes give DecodeError or a signal that encodes again', () => {
  const seedsOf = fc.constantFrom(...signals);
  const flips = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 });
  const mutated = fc.tuple(seedsOf, flips, fc.nat(420)).map(([seed, edits, cut]) => {
    const bytes = seed.slice(0, cut);
    for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      let signal: Rendezvous;
      try {
        signal = decodeRendezvous(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        return;
      }
      expect(() => encodeRendezvous(signal)).not.toThrow();
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['a signal', { from: 'x'.repeat(p2pLimits.signalBytes) }],
  ['an identity', { from: 'x'.repeat(p2pLimits.identityBytes + 1) }],
  ['a password', { messages: [{ type: 'auth', password: 'x'.repeat(257) } as const] }],
  ['a candidate', { messages: [{ type: 'candidate', text: 'x'.repeat(513) } as const] }],
  [
    'the list of messages',
    { messages: Array.from({ length: 65 }, () => ({ type: 'auth', password: '' }) as const) },
  ],
])('%s over its limit is refused', (_, over) => {
  const usual = { from: 'str:a', fromConnectionId: 1, toConnectionId: 0, isIceEnabled: true };
  const bytes = encodeRendezvous({ ...usual, acked: 0, first: 1, messages: [], ...over });
  expect(() => decodeRendezvous(bytes)).toThrow(DecodeError);
});
