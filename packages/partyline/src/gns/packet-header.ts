import { ByteReader, DecodeError } from '../base/index.ts';
import { DATA_HEADER_BYTES, DATA_PACKET } from './protocol.ts';

const HAS_STATS = 0x01;
const HAS_TIME_SINCE_PREVIOUS = 0x02;
/** Unit of the time since the previous packet: 16 µs, in ms. */
const TIME_UNIT_MS = 0.016;

/** The unprotected head of a data packet, in reused memory: docs/wire/gns.md#data. */
export class DataHeader {
  toConnectionId = 0;
  /** Low 16 bits. */
  packetNumber = 0;
  /** Stats as they came, a view; `undefined` for none. */
  stats: Uint8Array | undefined;
  /** Since the sender's packet before this one, in ms; -1 when it does not say. */
  timeSincePreviousMs = -1;
  /** Where the protected part begins. */
  bodyAt = 0;

  /** @throws DecodeError */
  decode(datagram: Uint8Array): void {
    const { length } = datagram;
    if (length < DATA_HEADER_BYTES) throw new DecodeError('WIRE_TRUNCATED', 'data header', length);
    const at = (index: number): number => datagram[index] ?? 0;
    const flags = at(0);
    if ((flags & ~(DATA_PACKET | HAS_STATS | HAS_TIME_SINCE_PREVIOUS)) !== 0) {
      throw new DecodeError('WIRE_MALFORMED', 'data packet flags', 0);
    }
    this.toConnectionId = (at(1) | (at(2) << 8) | (at(3) << 16) | (at(4) << 24)) >>> 0;
    this.packetNumber = at(5) | (at(6) << 8);
    this.stats = undefined;
    this.timeSincePreviousMs = -1;
    this.bodyAt = DATA_HEADER_BYTES;
    // Most packets have neither.
    if (flags !== DATA_PACKET)
      this.#decodeRest(new ByteReader(datagram.subarray(this.bodyAt)), flags);
  }

  #decodeRest(reader: ByteReader, flags: number): void {
    if ((flags & HAS_STATS) !== 0)
      this.stats = reader.bytes(reader.varint('stats length'), 'stats');
    if ((flags & HAS_TIME_SINCE_PREVIOUS) !== 0) {
      this.timeSincePreviousMs = reader.u16le('time since previous') * TIME_UNIT_MS;
    }
    this.bodyAt += reader.offset;
  }
}

/** Bytes of the head that {@link encodeDataHeader} writes. */
export function dataHeaderBytes(stats: Uint8Array | undefined, hasTime: boolean): number {
  const statsBytes = stats === undefined ? 0 : stats.length + (stats.length < 0x80 ? 1 : 2);
  return DATA_HEADER_BYTES + statsBytes + (hasTime ? 2 : 0);
}

/** Writes the head at `at` of `target`; returns where the protected part goes. */
export function encodeDataHeader(
  target: Uint8Array,
  at: number,
  toConnectionId: number,
  packetNumber: number,
  stats: Uint8Array | undefined,
  timeSincePreviousMs: number,
): number {
  const hasTime = timeSincePreviousMs >= 0;
  const flags = (stats === undefined ? 0 : HAS_STATS) | (hasTime ? HAS_TIME_SINCE_PREVIOUS : 0);
  target[at] = DATA_PACKET | flags;
  for (let i = 0; i < 4; i++) target[at + 1 + i] = (toConnectionId >>> (8 * i)) & 0xff;
  target[at + 5] = packetNumber & 0xff;
  target[at + 6] = (packetNumber >>> 8) & 0xff; // `>>>` takes the low 32 bits of any number first
  let next = at + DATA_HEADER_BYTES;
  if (stats !== undefined) {
    if (stats.length >= 0x80) target[next++] = (stats.length & 0x7f) | 0x80;
    target[next++] = stats.length >= 0x80 ? stats.length >> 7 : stats.length;
    target.set(stats, next);
    next += stats.length;
  }
  if (hasTime) {
    const units = Math.min(0xffff, Math.floor(timeSincePreviousMs / TIME_UNIT_MS));
    target[next++] = units & 0xff;
    target[next++] = units >> 8;
  }
  return next;
}
