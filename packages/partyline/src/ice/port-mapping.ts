import { ByteReader, ByteWriter, DecodeError, parseIp, printIp, unmapIp } from '../base/index.ts';
import type { StunAddress } from '../stun/index.ts';

/** RFC 6886 §3, RFC 6887 §19.1: one port for both, at the router. */
export const PORT_MAPPING_PORT = 5351;
/** RFC 6887 §8.3: the largest message. */
const MAX_BYTES = 1100;
const PCP_VERSION = 2;
const PCP_MAP = 1;
const RESPONSE = 0x80;
const PROTOCOL_UDP = 17;
const PMP_ADDRESS = 0;
const PMP_MAP_UDP = 1;
const NONCE_BYTES = 12;

/** RFC 6887 §7.4 and RFC 6886 §3.5, those that are acted on. */
export const PortMappingResult = { Success: 0, UnsupportedVersion: 1 } as const;

export interface PortMappingRequest {
  /** Our own address, as the router sees it. */
  readonly client: string;
  /** The UDP port that is to be reached. */
  readonly port: number;
  /** 0 ends the mapping. */
  readonly lifetimeSec: number;
  /** 12 random bytes, the same for renewals (RFC 6887 §11.2). */
  readonly nonce: Uint8Array;
}

export type PortMappingResponse =
  /** RFC 6887 §11.3. */
  | {
      readonly type: 'pcp';
      readonly result: number;
      readonly lifetimeSec: number;
      readonly nonce: Uint8Array;
      readonly port: number;
      readonly external: StunAddress;
    }
  /** RFC 6886 §3.2. */
  | { readonly type: 'pmpAddress'; readonly result: number; readonly host: string }
  /** RFC 6886 §3.3; the address is told apart. */
  | {
      readonly type: 'pmpMapping';
      readonly result: number;
      readonly port: number;
      readonly externalPort: number;
      readonly lifetimeSec: number;
    }
  /** A router that knows another version: RFC 6887 §9, RFC 6886 §3.5. */
  | { readonly type: 'unsupportedVersion' };

/** PCP, opcode MAP: RFC 6887 §7.1 and §11.1. @throws DecodeError when the client is no IP address */
export function encodePcpMap(request: PortMappingRequest): Uint8Array {
  const { client, port, lifetimeSec, nonce } = request;
  return new ByteWriter(60)
    .u8(PCP_VERSION)
    .u8(PCP_MAP)
    .u16be(0)
    .u32be(lifetimeSec)
    .bytes(inIpv6(client))
    .bytes(nonce)
    .u8(PROTOCOL_UDP)
    .bytes(new Uint8Array(3))
    .u16be(port)
    .u16be(port)
    .bytes(inIpv6(client.includes(':') ? '::' : '0.0.0.0'))
    .finish();
}

/** NAT-PMP, the question for the router's outer address: RFC 6886 §3.2. */
export function encodePmpAddress(): Uint8Array {
  return Uint8Array.of(0, PMP_ADDRESS);
}

/** NAT-PMP, a mapping for UDP: RFC 6886 §3.3. The port outside is to be the same; 0 when it ends (§3.4). */
export function encodePmpMap(port: number, lifetimeSec: number): Uint8Array {
  return new ByteWriter(12)
    .u8(0)
    .u8(PMP_MAP_UDP)
    .u16be(0)
    .u16be(port)
    .u16be(lifetimeSec === 0 ? 0 : port)
    .u32be(lifetimeSec)
    .finish();
}

/** `undefined` for what is neither, or no response for UDP. @throws DecodeError when it ends too early */
export function decodePortMapping(bytes: Uint8Array): PortMappingResponse | undefined {
  if (bytes.length > MAX_BYTES) throw new DecodeError('WIRE_MALFORMED', 'length', MAX_BYTES);
  const reader = new ByteReader(bytes);
  const version = reader.u8('version');
  const opcode = reader.u8('opcode');
  if ((opcode & RESPONSE) === 0) return undefined;
  if (version === PCP_VERSION) return decodePcp(opcode & ~RESPONSE, reader);
  return version === 0 ? decodePmp(opcode & ~RESPONSE, reader) : undefined;
}

function decodePcp(opcode: number, reader: ByteReader): PortMappingResponse | undefined {
  reader.u8('reserved');
  const result = reader.u8('result');
  if (result === PortMappingResult.UnsupportedVersion) return { type: 'unsupportedVersion' };
  const lifetimeSec = reader.u32be('lifetime');
  reader.bytes(16, 'epoch and reserved');
  if (opcode !== PCP_MAP) return undefined;
  const nonce = reader.bytes(NONCE_BYTES, 'nonce').slice();
  if (reader.u8('protocol') !== PROTOCOL_UDP) return undefined;
  reader.bytes(3, 'reserved');
  const port = reader.u16be('internal port');
  const externalPort = reader.u16be('external port');
  const host = printIp(unmapIp(reader.bytes(16, 'external address')));
  return { type: 'pcp', result, lifetimeSec, nonce, port, external: { host, port: externalPort } };
}

function decodePmp(opcode: number, reader: ByteReader): PortMappingResponse | undefined {
  const result = reader.u16be('result');
  if (result === PortMappingResult.UnsupportedVersion) return { type: 'unsupportedVersion' };
  reader.u32be('epoch');
  if (opcode === PMP_ADDRESS) {
    return { type: 'pmpAddress', result, host: printIp(reader.bytes(4, 'external address')) };
  }
  if (opcode !== PMP_MAP_UDP) return undefined;
  const port = reader.u16be('internal port');
  const externalPort = reader.u16be('external port');
  return { type: 'pmpMapping', result, port, externalPort, lifetimeSec: reader.u32be('lifetime') };
}

/** RFC 6887 §5: IPv4 as ::ffff:a.b.c.d. */
function inIpv6(host: string): Uint8Array {
  const ip = parseIp(host);
  if (ip === undefined) throw new DecodeError('WIRE_MALFORMED', 'not an IP address', 0);
  if (ip.length === 16) return ip;
  const bytes = new Uint8Array(16);
  bytes.fill(0xff, 10, 12);
  bytes.set(ip, 12);
  return bytes;
}
