import { parseIdentity } from 'partyline/protocol/cert';
import type { UdpAddress } from 'partyline/protocol/gns';

/** LINKTYPE_RAW: a packet begins with its IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101;
const UDP_HEADER_BYTES = 8;
const UDP_PROTOCOL = 17;
const HOP_LIMIT = 64;
const MAX_SNAP_BYTES = 65_535;

/** The head of a pcap file, little endian, times in microseconds. */
export function pcapHeader(): Uint8Array {
  const header = new DataView(new ArrayBuffer(24));
  header.setUint32(0, 0xa1b2c3d4, true);
  header.setUint16(4, 2, true);
  header.setUint16(6, 4, true);
  header.setUint32(16, MAX_SNAP_BYTES, true);
  header.setUint32(20, LINKTYPE_RAW, true);
  return new Uint8Array(header.buffer);
}

/** A datagram as a pcap record, in the IP and UDP headers that it had; `atMs` since 1970. */
export function pcapRecord(
  atMs: number,
  from: UdpAddress,
  to: UdpAddress,
  datagram: Uint8Array,
): Uint8Array {
  const packet = ipPacket(from, to, datagram);
  const record = new Uint8Array(16 + packet.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, Math.floor(atMs / 1000), true);
  view.setUint32(4, Math.floor((atMs % 1000) * 1000), true);
  view.setUint32(8, packet.length, true);
  view.setUint32(12, packet.length, true);
  record.set(packet, 16);
  return record;
}

function ipPacket(from: UdpAddress, to: UdpAddress, datagram: Uint8Array): Uint8Array {
  const [source, destination] = sameFamily(addressBytes(from), addressBytes(to));
  const udpBytes = UDP_HEADER_BYTES + datagram.length;
  const isV4 = source.length === 4;
  const head = isV4 ? 20 : 40;
  const packet = new Uint8Array(head + udpBytes);
  const view = new DataView(packet.buffer);
  if (isV4) {
    packet.set([0x45, 0, 0, 0, 0, 0, 0x40, 0, HOP_LIMIT, UDP_PROTOCOL]);
    view.setUint16(2, packet.length);
    packet.set(source, 12);
    packet.set(destination, 16);
    view.setUint16(10, checksum(packet.subarray(0, head), 0));
  } else {
    packet.set([0x60, 0, 0, 0, 0, 0, UDP_PROTOCOL, HOP_LIMIT]);
    view.setUint16(4, udpBytes);
    packet.set(source, 8);
    packet.set(destination, 24);
  }
  view.setUint16(head, from.port);
  view.setUint16(head + 2, to.port);
  view.setUint16(head + 4, udpBytes);
  packet.set(datagram, head + UDP_HEADER_BYTES);
  // The pseudo-header: both addresses, protocol and length (RFC 768, RFC 8200 §8.1).
  const pseudo = sum(source) + sum(destination) + UDP_PROTOCOL + udpBytes;
  view.setUint16(head + 6, checksum(packet.subarray(head), pseudo) || 0xffff);
  return packet;
}

/** The local end of an unbound socket is `::` or `0.0.0.0`, whichever family the peer has. */
function sameFamily(a: Uint8Array, b: Uint8Array): [Uint8Array, Uint8Array] {
  if (a.length === b.length) return [a, b];
  return a.every((byte) => byte === 0)
    ? [new Uint8Array(b.length), b]
    : [a, new Uint8Array(a.length)];
}

function addressBytes({ host }: UdpAddress): Uint8Array {
  const identity = parseIdentity(`ip:${host.split('%')[0]}`);
  return identity?.type === 'ip' ? identity.address : new Uint8Array(4);
}

/** RFC 1071. */
function checksum(bytes: Uint8Array, initial: number): number {
  let total = initial + sum(bytes);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  return total;
}
