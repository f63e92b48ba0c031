import { DecodeError, ProtobufWriter, utf8 } from '../../base/index.ts';
import { Fields } from '../fields.ts';
import type { Credentials } from '../messages.ts';
import { MAX_DEBUG_CHARACTERS } from '../protocol.ts';
import { p2pLimits } from './limits.ts';

/** One message of the reliable sub-stream: docs/wire/gns-p2p.md#reliable-sub-stream. */
export type SignalMessage =
  /** The sender's ICE password. */
  | { readonly type: 'auth'; readonly password: string }
  /** One of its ICE candidates, as an SDP attribute's value. */
  | { readonly type: 'candidate'; readonly text: string }
  /** Of a newer GNS: it is numbered and acknowledged like the others. */
  | { readonly type: 'unknown' };

export interface P2pConnectRequest extends Credentials {
  /** Absent in old peers. */
  readonly toVirtualPort?: number;
  /** Absent: the same as `toVirtualPort`. */
  readonly fromVirtualPort?: number;
}

export interface P2pConnectionClosed {
  readonly reason: number;
  readonly debug: string;
}

/** CMsgSteamNetworkingP2PRendezvous: one signal. */
export interface Rendezvous {
  readonly from: string;
  /** 0 in a rejection by somebody who made no connection. */
  readonly fromConnectionId: number;
  readonly to?: string;
  /** 0 while the sender does not know it. */
  readonly toConnectionId: number;
  /** GNS gives up ICE when a single signal lacks it. */
  readonly isIceEnabled: boolean;
  readonly connectRequest?: P2pConnectRequest;
  readonly connectOk?: Credentials;
  readonly connectionClosed?: P2pConnectionClosed;
  /** Newest reliable message that came, 0 for none. */
  readonly acked: number;
  /** Number of the first of `messages`; 0 when there are none. */
  readonly first: number;
  readonly messages: readonly SignalMessage[];
}

/** Fields in ascending order, as C++ protobuf writes them. */
export function encodeRendezvous(signal: Rendezvous): Uint8Array {
  const { connectRequest, connectOk, connectionClosed, to } = signal;
  const writer = new ProtobufWriter();
  if (signal.toConnectionId !== 0) writer.fixed32(1, signal.toConnectionId);
  if (connectRequest !== undefined) writer.bytes(4, encodeConnectRequest(connectRequest));
  if (connectOk !== undefined) {
    writer.bytes(
      5,
      new ProtobufWriter().bytes(5, connectOk.crypt).bytes(6, connectOk.cert).finish(),
    );
  }
  if (connectionClosed !== undefined) writer.bytes(6, encodeClosed(connectionClosed));
  if (signal.isIceEnabled) writer.varint(7, 1);
  if (signal.from !== '') writer.bytes(8, utf8(signal.from));
  if (signal.fromConnectionId !== 0) writer.fixed32(9, signal.fromConnectionId);
  if (to !== undefined) writer.bytes(10, utf8(to));
  // A close carries nothing of the sub-stream: it has ended with the connection.
  if (connectionClosed === undefined) writer.varint(11, signal.acked);
  if (signal.first !== 0) writer.varint(12, signal.first);
  for (const message of signal.messages) writer.bytes(13, encodeMessage(message));
  return writer.finish();
}

/** Memory that is kept is copied. @throws DecodeError */
export function decodeRendezvous(bytes: Uint8Array): Rendezvous {
  if (bytes.length > p2pLimits.signalBytes) {
    throw new DecodeError('WIRE_MALFORMED', `signal over ${p2pLimits.signalBytes} bytes`, 0);
  }
  const fields = new Fields(bytes);
  const from = fields.text(8, p2pLimits.identityBytes) ?? '';
  const to = fields.text(10, p2pLimits.identityBytes);
  const request = fields.get(4, 'bytes');
  const ok = fields.get(5, 'bytes');
  const closed = fields.get(6, 'bytes');
  return {
    from,
    fromConnectionId: fields.get(9, 'fixed32') ?? 0,
    ...(to === undefined ? {} : { to }),
    toConnectionId: fields.get(1, 'fixed32') ?? 0,
    isIceEnabled: (fields.get(7, 'varint') ?? 0) !== 0,
    ...(request === undefined ? {} : { connectRequest: decodeConnectRequest(request, from) }),
    ...(ok === undefined ? {} : { connectOk: credentials(new Fields(ok), from, 5, 6) }),
    ...(closed === undefined ? {} : { connectionClosed: decodeClosed(closed) }),
    acked: fields.get(11, 'varint') ?? 0,
    first: fields.get(12, 'varint') ?? 0,
    messages: decodeMessages(fields.messages(13)),
  };
}

function encodeConnectRequest(request: P2pConnectRequest): Uint8Array {
  const { fromVirtualPort, toVirtualPort } = request;
  const writer = new ProtobufWriter().bytes(6, request.crypt).bytes(7, request.cert);
  if (toVirtualPort !== undefined) writer.varint(9, toVirtualPort);
  if (fromVirtualPort !== undefined) writer.varint(10, fromVirtualPort);
  return writer.finish();
}

function decodeConnectRequest(bytes: Uint8Array, from: string): P2pConnectRequest {
  const fields = new Fields(bytes);
  const toVirtualPort = fields.get(9, 'varint');
  const fromVirtualPort = fields.get(10, 'varint');
  return {
    ...credentials(fields, from, 6, 7),
    ...(toVirtualPort === undefined ? {} : { toVirtualPort }),
    ...(fromVirtualPort === undefined ? {} : { fromVirtualPort }),
  };
}

/** A certificate that names nobody is that of the signal's sender. */
function credentials(fields: Fields, from: string, crypt: number, cert: number): Credentials {
  return {
    crypt: fields.need(crypt, 'bytes').slice(),
    cert: fields.need(cert, 'bytes').slice(),
    identity: from,
  };
}

function encodeClosed({ reason, debug }: P2pConnectionClosed): Uint8Array {
  const writer = new ProtobufWriter();
  if (debug !== '') writer.bytes(5, utf8(debug.slice(0, MAX_DEBUG_CHARACTERS)));
  return writer.varint(6, reason).finish();
}

function decodeClosed(bytes: Uint8Array): P2pConnectionClosed {
  const fields = new Fields(bytes);
  return {
    reason: fields.get(6, 'varint') ?? 0,
    debug: (fields.text(5, p2pLimits.debugBytes) ?? '').slice(0, MAX_DEBUG_CHARACTERS),
  };
}

/** ReliableMessage {1 ice {1 add_candidate {3 text} | 2 auth {1 pwd_frag}}} */
function encodeMessage(message: SignalMessage): Uint8Array {
  const ice = new ProtobufWriter();
  if (message.type === 'auth') {
    ice.bytes(2, new ProtobufWriter().bytes(1, utf8(message.password)).finish());
  } else if (message.type === 'candidate') {
    ice.bytes(1, new ProtobufWriter().bytes(3, utf8(message.text)).finish());
  } else {
    return new Uint8Array(0);
  }
  return new ProtobufWriter().bytes(1, ice.finish()).finish();
}

/** Bytes a message takes in a signal, with its head. */
export function signalMessageBytes(message: SignalMessage): number {
  return encodeMessage(message).length + 3;
}

function decodeMessages(messages: readonly Uint8Array[]): SignalMessage[] {
  if (messages.length > p2pLimits.messagesPerSignal) {
    throw new DecodeError('WIRE_MALFORMED', 'too many reliable messages', 0);
  }
  return messages.map(decodeMessage);
}

function decodeMessage(bytes: Uint8Array): SignalMessage {
  const iceBytes = new Fields(bytes).get(1, 'bytes');
  if (iceBytes === undefined) return { type: 'unknown' };
  const ice = new Fields(iceBytes);
  const auth = ice.get(2, 'bytes');
  const candidate = ice.get(1, 'bytes');
  if (auth !== undefined) {
    const password = new Fields(auth).text(1, p2pLimits.passwordBytes);
    return password === undefined ? { type: 'unknown' } : { type: 'auth', password };
  }
  if (candidate === undefined) return { type: 'unknown' };
  const text = new Fields(candidate).text(3, p2pLimits.candidateBytes);
  return text === undefined ? { type: 'unknown' } : { type: 'candidate', text };
}
