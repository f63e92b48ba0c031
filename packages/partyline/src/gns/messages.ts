import { ByteReader, ByteWriter, DecodeError, ProtobufWriter, utf8 } from '../base/index.ts';
import { Fields } from './fields.ts';
import { MAX_DEBUG_CHARACTERS, MIN_PADDED_BYTES, PacketType } from './protocol.ts';

/** GNS `k_cchMaxString` of an identity, in UTF-8 bytes. */
const MAX_IDENTITY_BYTES = 127;
/** A debug text in UTF-8: GNS reads 127 characters and drops the rest. */
const MAX_DEBUG_BYTES = 512;

/** docs/wire/gns.md: the packets around a connection, by their first byte. */
export interface ChallengeRequest {
  readonly connectionId: number;
  /** Opaque to the server. */
  readonly timestamp: bigint;
  readonly protocolVersion: number;
}

export interface ChallengeReply {
  readonly connectionId: number;
  readonly challenge: bigint;
  readonly yourTimestamp?: bigint;
  readonly protocolVersion: number;
}

/** What each side shows of itself: the outer messages as they were received. */
export interface Credentials {
  /** CMsgSteamDatagramCertificateSigned. */
  readonly cert: Uint8Array;
  /** CMsgSteamDatagramSessionCryptInfoSigned. */
  readonly crypt: Uint8Array;
  /** Present when the certificate names nobody. */
  readonly identity?: string | undefined;
}

export interface ConnectRequest extends Credentials {
  readonly clientConnectionId: number;
  readonly challenge: bigint;
  readonly timestamp?: bigint | undefined;
  readonly pingMs?: number | undefined;
}

export interface ConnectOk extends Credentials {
  readonly clientConnectionId: number;
  readonly serverConnectionId: number;
  readonly yourTimestamp?: bigint | undefined;
  readonly delayUsec: number;
}

export interface ConnectionClosed {
  /** The receiver's id; 0 when the sender never learnt it. */
  readonly to: number;
  readonly from: number;
  readonly reason: number;
  readonly debug: string;
}

export interface NoConnection {
  readonly to: number;
  readonly from: number;
}

export function encodeChallengeRequest(message: ChallengeRequest): Uint8Array {
  const body = new ProtobufWriter()
    .fixed32(1, message.connectionId)
    .fixed64(3, message.timestamp)
    .varint(4, message.protocolVersion);
  return padded(PacketType.ChallengeRequest, body.finish());
}

/** @throws DecodeError */
export function decodeChallengeRequest(datagram: Uint8Array): ChallengeRequest {
  const fields = new Fields(unpadded(datagram));
  return {
    connectionId: fields.need(1, 'fixed32'),
    timestamp: fields.get(3, 'fixed64') ?? 0n,
    protocolVersion: fields.get(4, 'varint') ?? 0,
  };
}

export function encodeChallengeReply(message: ChallengeReply): Uint8Array {
  const body = new ProtobufWriter().fixed32(1, message.connectionId).fixed64(2, message.challenge);
  if (message.yourTimestamp !== undefined) body.fixed64(3, message.yourTimestamp);
  body.varint(4, message.protocolVersion);
  return plain(PacketType.ChallengeReply, body.finish());
}

/** @throws DecodeError */
export function decodeChallengeReply(datagram: Uint8Array): ChallengeReply {
  const fields = new Fields(datagram.subarray(1));
  const yourTimestamp = fields.get(3, 'fixed64');
  return {
    connectionId: fields.need(1, 'fixed32'),
    challenge: fields.need(2, 'fixed64'),
    ...(yourTimestamp === undefined ? {} : { yourTimestamp }),
    protocolVersion: fields.get(4, 'varint') ?? 0,
  };
}

export function encodeConnectRequest(message: ConnectRequest): Uint8Array {
  const body = new ProtobufWriter()
    .fixed32(1, message.clientConnectionId)
    .fixed64(2, message.challenge)
    .bytes(4, message.cert);
  if (message.timestamp !== undefined) body.fixed64(5, message.timestamp);
  if (message.pingMs !== undefined) body.varint(6, message.pingMs);
  body.bytes(7, message.crypt);
  if (message.identity !== undefined) body.bytes(10, utf8(message.identity));
  return plain(PacketType.ConnectRequest, body.finish());
}

/** @throws DecodeError */
export function decodeConnectRequest(datagram: Uint8Array): ConnectRequest {
  const fields = new Fields(datagram.subarray(1));
  return {
    clientConnectionId: fields.need(1, 'fixed32'),
    challenge: fields.need(2, 'fixed64'),
    timestamp: fields.get(5, 'fixed64'),
    pingMs: fields.get(6, 'varint'),
    cert: kept(fields, 4),
    crypt: kept(fields, 7),
    identity: fields.text(10, MAX_IDENTITY_BYTES),
  };
}

export function encodeConnectOk(message: ConnectOk): Uint8Array {
  const body = new ProtobufWriter().fixed32(1, message.clientConnectionId);
  if (message.yourTimestamp !== undefined) {
    body.fixed64(3, message.yourTimestamp).varint(4, message.delayUsec);
  }
  body.fixed32(5, message.serverConnectionId).bytes(7, message.crypt).bytes(8, message.cert);
  if (message.identity !== undefined) body.bytes(11, utf8(message.identity));
  return plain(PacketType.ConnectOk, body.finish());
}

/** @throws DecodeError */
export function decodeConnectOk(datagram: Uint8Array): ConnectOk {
  const fields = new Fields(datagram.subarray(1));
  return {
    clientConnectionId: fields.need(1, 'fixed32'),
    serverConnectionId: fields.need(5, 'fixed32'),
    yourTimestamp: fields.get(3, 'fixed64'),
    delayUsec: fields.get(4, 'varint') ?? 0,
    cert: kept(fields, 8),
    crypt: kept(fields, 7),
    identity: fields.text(11, MAX_IDENTITY_BYTES),
  };
}

export function encodeConnectionClosed(message: ConnectionClosed): Uint8Array {
  const body = new ProtobufWriter();
  if (message.debug !== '') body.bytes(2, utf8(message.debug.slice(0, MAX_DEBUG_CHARACTERS)));
  body.varint(3, message.reason);
  if (message.to !== 0) body.fixed32(4, message.to);
  body.fixed32(5, message.from);
  return padded(PacketType.ConnectionClosed, body.finish());
}

/** @throws DecodeError */
export function decodeConnectionClosed(datagram: Uint8Array): ConnectionClosed {
  const fields = new Fields(unpadded(datagram));
  return {
    to: fields.get(4, 'fixed32') ?? 0,
    from: fields.get(5, 'fixed32') ?? 0,
    reason: fields.get(3, 'varint') ?? 0,
    debug: (fields.text(2, MAX_DEBUG_BYTES) ?? '').slice(0, MAX_DEBUG_CHARACTERS),
  };
}

export function encodeNoConnection(message: NoConnection): Uint8Array {
  const body = new ProtobufWriter();
  if (message.from !== 0) body.fixed32(2, message.from);
  if (message.to !== 0) body.fixed32(3, message.to);
  return plain(PacketType.NoConnection, body.finish());
}

/** @throws DecodeError */
export function decodeNoConnection(datagram: Uint8Array): NoConnection {
  const fields = new Fields(datagram.subarray(1));
  return { from: fields.get(2, 'fixed32') ?? 0, to: fields.get(3, 'fixed32') ?? 0 };
}

/** The datagram's memory is reused: what is kept is copied. */
function kept(fields: Fields, number: number): Uint8Array {
  return fields.need(number, 'bytes').slice();
}

function plain(type: number, body: Uint8Array): Uint8Array {
  return new ByteWriter(1 + body.length).u8(type).bytes(body).finish();
}

function padded(type: number, body: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(Math.max(MIN_PADDED_BYTES, 3 + body.length));
  datagram.set(new ByteWriter(3).u8(type).u16le(body.length).finish());
  datagram.set(body, 3);
  return datagram;
}

function unpadded(datagram: Uint8Array): Uint8Array {
  if (datagram.length < MIN_PADDED_BYTES) {
    throw new DecodeError('WIRE_TRUNCATED', 'padding', datagram.length);
  }
  const reader = new ByteReader(datagram);
  reader.u8();
  return reader.bytes(reader.u16le('length'), 'message');
}
