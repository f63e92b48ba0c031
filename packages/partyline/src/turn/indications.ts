import { printIp } from '../base/index.ts';
import { HEADER_BYTES, looksLikeStun, MAGIC_COOKIE, MAX_STUN_ATTRIBUTES } from '../stun/index.ts';
import { TurnAttributeType } from './attributes.ts';

/** Message types of the two indications, class bits included: RFC 8656 §17. */
export const SEND_INDICATION = 0x0016;
export const DATA_INDICATION = 0x0017;

const COOKIE_HIGH = MAGIC_COOKIE >>> 16;
const ADDRESS_OFFSET = 4;
const ATTRIBUTE_HEADER_BYTES = 4;

/** Whether it is a Send indication, by its first two bytes. */
export function looksLikeSend(bytes: Uint8Array): boolean {
  return bytes[0] === SEND_INDICATION >> 8 && bytes[1] === (SEND_INDICATION & 0xff);
}

/** Whether it is a Data indication, by its first two bytes. */
export function looksLikeDataIndication(bytes: Uint8Array): boolean {
  return bytes[0] === DATA_INDICATION >> 8 && bytes[1] === (DATA_INDICATION & 0xff);
}

/**
 * A Send indication, or a Data indication, which has the same form, read in place: one is kept and
 * used for all, so that what goes through a relay allocates nothing. RFC 8656 §11.1, §11.4.
 */
export class SendIndication {
  /** 1 IPv4, 2 IPv6. */
  family = 0;
  port = 0;
  /** The IPv4 address as a number; 0 with IPv6. */
  ipv4 = 0;
  isDontFragment = false;
  /** A view into what was read. */
  payload: Uint8Array = new Uint8Array();
  #bytes: Uint8Array = new Uint8Array();
  #peerAt = 0;

  /** False when it has to be dropped: malformed, without peer or payload, or with what we do not know. */
  read(bytes: Uint8Array): boolean {
    if (!looksLikeStun(bytes)) return false;
    if (u16(bytes, 2) !== bytes.length - HEADER_BYTES) return false;
    this.#bytes = bytes;
    this.#peerAt = 0;
    this.isDontFragment = false;
    let hasPayload = false;
    let at = HEADER_BYTES;
    for (let count = 0; at < bytes.length; count++) {
      if (count >= MAX_STUN_ATTRIBUTES || at + ATTRIBUTE_HEADER_BYTES > bytes.length) return false;
      const type = u16(bytes, at);
      const length = u16(bytes, at + 2);
      const valueAt = at + ATTRIBUTE_HEADER_BYTES;
      at = valueAt + ((length + 3) & ~3);
      if (at > bytes.length) return false;
      if (type === TurnAttributeType.XorPeerAddress) {
        if (this.#peerAt === 0 && !this.#readPeer(valueAt, length)) return false;
      } else if (type === TurnAttributeType.Data) {
        if (!hasPayload) this.payload = bytes.subarray(valueAt, valueAt + length);
        hasPayload = true;
      } else if (type === TurnAttributeType.DontFragment) {
        this.isDontFragment = true;
      } else if (type < 0x8000) {
        return false; // RFC 8489 §6.3.2: an indication that we do not understand
      }
    }
    return hasPayload && this.#peerAt > 0;
  }

  /** The peer's address in text. */
  host(): string {
    const at = this.#peerAt + ADDRESS_OFFSET;
    const bytes = this.#bytes.slice(at, at + (this.family === 1 ? 4 : 16));
    // RFC 8489 §14.2: xor with the cookie, then the transaction id, which stand together in the header.
    for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) ^ (this.#bytes[4 + i] ?? 0);
    return printIp(bytes);
  }

  #readPeer(at: number, length: number): boolean {
    const bytes = this.#bytes;
    this.family = bytes[at + 1] ?? 0;
    if (!(this.family === 1 && length === 8) && !(this.family === 2 && length === 20)) return false;
    this.port = u16(bytes, at + 2) ^ COOKIE_HIGH;
    this.ipv4 =
      this.family === 1
        ? (((u16(bytes, at + 4) << 16) | u16(bytes, at + 6)) ^ MAGIC_COOKIE) >>> 0
        : 0;
    this.#peerAt = at;
    return true;
  }
}

/** Bytes of either indication, less what the peer's address and payload take. */
const INDICATION_BYTES: number = HEADER_BYTES + 2 * ATTRIBUTE_HEADER_BYTES + ADDRESS_OFFSET;

/** Bytes that {@link writeDataIndication} and {@link writeSendIndication} need; `ipBytes` is 4 or 16. */
export function dataIndicationBytes(payloadBytes: number, ipBytes: number): number {
  return INDICATION_BYTES + ipBytes + ((payloadBytes + 3) & ~3);
}

/**
 * Writes a Data indication (RFC 8656 §11.4) at `at` and gives its end. `ip` is 4 or 16 bytes. The
 * transaction id is made of a counter: nobody answers an indication.
 */
export function writeDataIndication(
  target: Uint8Array,
  at: number,
  serial: number,
  ip: Uint8Array,
  port: number,
  payload: Uint8Array,
): number {
  return writeIndication(DATA_INDICATION, target, at, serial, ip, port, payload);
}

/** The same the other way: a Send indication, RFC 8656 §11.1. */
export function writeSendIndication(
  target: Uint8Array,
  at: number,
  serial: number,
  ip: Uint8Array,
  port: number,
  payload: Uint8Array,
): number {
  return writeIndication(SEND_INDICATION, target, at, serial, ip, port, payload);
}

function writeIndication(
  type: number,
  target: Uint8Array,
  at: number,
  serial: number,
  ip: Uint8Array,
  port: number,
  payload: Uint8Array,
): number {
  const end = at + dataIndicationBytes(payload.length, ip.length);
  put16(target, at, type);
  put16(target, at + 2, end - at - HEADER_BYTES);
  put32(target, at + 4, MAGIC_COOKIE);
  put32(target, at + 8, 0);
  put32(target, at + 12, 0);
  put32(target, at + 16, serial);
  const peerAt = at + HEADER_BYTES;
  put16(target, peerAt, TurnAttributeType.XorPeerAddress);
  put16(target, peerAt + 2, ADDRESS_OFFSET + ip.length);
  put16(target, peerAt + 4, ip.length === 4 ? 1 : 2);
  put16(target, peerAt + 6, port ^ COOKIE_HIGH);
  for (let i = 0; i < ip.length; i++) {
    target[peerAt + 8 + i] = (ip[i] ?? 0) ^ (target[at + 4 + i] ?? 0);
  }
  const dataAt = peerAt + 8 + ip.length;
  put16(target, dataAt, TurnAttributeType.Data);
  put16(target, dataAt + 2, payload.length);
  target.set(payload, dataAt + ATTRIBUTE_HEADER_BYTES);
  target.fill(0, dataAt + ATTRIBUTE_HEADER_BYTES + payload.length, end); // reused memory
  return end;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value >>> 16);
  put16(bytes, at + 2, value & 0xffff);
}
