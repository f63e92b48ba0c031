import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { DecodeError, parseIp } from '../base/index.ts';
import { decodeStun, decodeXorMappedAddress, findAttribute } from '../stun/index.ts';
import {
  AddressFamily,
  addressFamily,
  channelDataBytes,
  channelNumber,
  channelOf,
  channelPayload,
  dataIndicationBytes,
  decodeAddressFamily,
  decodeChannelNumber,
  decodeEvenPort,
  decodeLifetime,
  decodeRequestedTransport,
  decodeReservationToken,
  evenPort,
  lifetime,
  looksLikeChannelData,
  looksLikeDataIndication,
  looksLikeSend,
  parseRestUsername,
  requestedTransport,
  SendIndication,
  TurnAttributeType,
  turnFrameLength,
  writeChannelData,
  writeDataIndication,
  writeSendIndication,
} from './index.ts';

/** More by FUZZ_RUNS, for a long night. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 300);
if (process.env.FUZZ_RUNS) vi.setConfig({ testTimeout: 3_600_000 });

describe('hostile bytes give a DecodeError and nothing else', () => {
  test.each<[string, (bytes: Uint8Array) => unknown, Uint8Array]>([
    ['LIFETIME', decodeLifetime, lifetime(600).value],
    ['CHANNEL-NUMBER', decodeChannelNumber, channelNumber(0x4000).value],
    ['REQUESTED-TRANSPORT', decodeRequestedTransport, requestedTransport(17).value],
    [
      'REQUESTED-ADDRESS-FAMILY',
      decodeAddressFamily,
      addressFamily(TurnAttributeType.RequestedAddressFamily, AddressFamily.Ipv6).value,
    ],
    ['EVEN-PORT', decodeEvenPort, evenPort(true).value],
    ['RESERVATION-TOKEN', decodeReservationToken, new Uint8Array(8)],
  ])('%s', (_, decode, valid) => {
    decode(valid);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 16 }), (bytes) => {
        try {
          decode(bytes);
          expect(bytes.length).toBe(valid.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns },
    );
  });

  test('what only looks never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), fc.string(), (bytes, text) => {
        looksLikeChannelData(bytes);
        looksLikeSend(bytes);
        looksLikeDataIndication(bytes);
        channelOf(bytes);
        const payload = channelPayload(bytes);
        if (payload) expect(payload.length).toBeLessThanOrEqual(bytes.length - 4);
        parseRestUsername(text);
      }),
      { numRuns },
    );
  });

  test('a stream’s frames have a length under 64 KiB and a header, or none', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), (type, length) => {
        const bytes = turnFrameLength(type, length);
        if (bytes === undefined) return;
        expect(bytes % 4).toBe(0);
        expect(bytes).toBeGreaterThanOrEqual(length + 4);
        expect(bytes).toBeLessThanOrEqual(length + 20);
      }),
      { numRuns },
    );
  });
});

describe('indications, in place', () => {
  const ip = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  const parts = fc.record({
    ip,
    port: fc.nat(0xffff),
    serial: fc.nat(0xffff_ffff),
    payload: fc.uint8Array({ maxLength: 200 }),
    at: fc.nat(7),
    isSend: fc.boolean(),
  });

  test('what is written is read, by us and by the general decoder', () => {
    fc.assert(
      fc.property(parts, ({ ip: host, port, serial, payload, at, isSend }) => {
        const length = dataIndicationBytes(payload.length, host.length);
        const target = new Uint8Array(at + length + 3).fill(0xee);
        const write = isSend ? writeSendIndication : writeDataIndication;
        expect(write(target, at, serial, host, port, payload)).toBe(at + length);
        expect(target.subarray(at + length)).toEqual(new Uint8Array(3).fill(0xee));
        const bytes = target.slice(at, at + length);
        expect([looksLikeSend(bytes), looksLikeDataIndication(bytes)]).toEqual([isSend, !isSend]);
        const read = new SendIndication();
        expect(read.read(bytes)).toBe(true);
        expect(parseIp(read.host())).toEqual(host);
        expect([read.port, read.payload]).toEqual([port, payload]);
        const message = decodeStun(bytes);
        const named = findAttribute(message, TurnAttributeType.XorPeerAddress) ?? new Uint8Array();
        const peer = decodeXorMappedAddress(named, message.transactionId);
        expect(peer).toEqual({ host: read.host(), port });
      }),
      { numRuns },
    );
  });

  test('changed, cut or made up: read as the general decoder does, or not at all', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(parts, changes, fc.nat(), (made, edits, end) => {
        const length = dataIndicationBytes(made.payload.length, made.ip.length);
        const bytes = new Uint8Array(length);
        writeSendIndication(bytes, 0, made.serial, made.ip, made.port, made.payload);
        for (const [at, byte] of edits) bytes[at % length] = byte;
        const hostile = end % 4 === 0 ? bytes.slice(0, end % (length + 1)) : bytes;
        const read = new SendIndication();
        if (!read.read(hostile)) return;
        const message = decodeStun(hostile);
        expect(findAttribute(message, TurnAttributeType.Data)).toEqual(read.payload);
        expect(parseIp(read.host())?.length).toBe(read.family === 1 ? 4 : 16);
      }),
      { numRuns: 3 * numRuns },
    );
  });
});

test('ChannelData: what is written is read, and its padding is zero', () => {
  const any = fc.record({
    channel: fc.integer({ min: 0x4000, max: 0x7fff }),
    payload: fc.uint8Array({ maxLength: 200 }),
    isPadded: fc.boolean(),
  });
  fc.assert(
    fc.property(any, ({ channel, payload, isPadded }) => {
      const bytes = new Uint8Array(channelDataBytes(payload.length, isPadded)).fill(0xee);
      expect(writeChannelData(bytes, 0, channel, payload, isPadded)).toBe(bytes.length);
      expect(channelOf(bytes)).toBe(channel);
      expect(channelPayload(bytes)).toEqual(payload);
      expect(bytes.subarray(4 + payload.length).every((byte) => byte === 0)).toBe(true);
      if (isPadded) expect(turnFrameLength(channel, payload.length)).toBe(bytes.length);
    }),
    { numRuns },
  );
});
