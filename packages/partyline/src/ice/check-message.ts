import { ByteReader, ByteWriter, DecodeError, utf8 } from '../base/index.ts';
import {
  BINDING_METHOD,
  checkFingerprint,
  checkMessageIntegrity,
  encodeStun,
  errorCode,
  findAttribute,
  isComprehensionRequired,
  protectedAttributes,
  type StunAddress,
  type StunAttribute,
  StunAttributeType,
  StunClass,
  type StunCrypto,
  type StunError,
  type StunMessage,
  unknownAttributes,
  withFingerprint,
  withMessageIntegrity,
  xorMappedAddress,
} from '../stun/index.ts';
import type { IceDialect, IceRole } from './agent-options.ts';
import { IceAttributeType, understoodInChecks } from './attributes.ts';
import { iceLimits } from './limits.ts';

/** A connectivity check: RFC 8445 §7.1. */
export interface CheckRequest {
  /** The ufrag of whom it goes to. */
  readonly receiverUfrag: string;
  /** The ufrag of who sends it. */
  readonly senderUfrag: string;
  /** Of the peer-reflexive candidate that it may bring to light. */
  readonly priority: number;
  readonly role: IceRole;
  readonly tieBreaker: bigint;
  /** USE-CANDIDATE: the controlling side wants this pair. */
  readonly isNominating: boolean;
  /** Counts nominations, so that the newest of several is known; `undefined` where the sender has no such thing. */
  readonly nomination: number | undefined;
}

export interface EncodedCheck extends CheckRequest {
  readonly transactionId: Uint8Array;
  readonly dialect: IceDialect;
  /** The datagram's length is filled up to this, in bytes. Default 0: as short as it can be. */
  readonly fillToBytes?: number;
}

/** MAC and FINGERPRINT, which end every message. */
const TAIL_BYTES = 24 + 8;
const ATTRIBUTE_HEADER_BYTES = 4;

export function encodeCheck(crypto: StunCrypto, check: EncodedCheck, password: string): Uint8Array {
  const { Username } = StunAttributeType;
  const { Priority, IceControlling, IceControlled, UseCandidate, Nomination } = IceAttributeType;
  const attributes: StunAttribute[] = [
    { type: Username, value: utf8(`${check.receiverUfrag}:${check.senderUfrag}`) },
    { type: Priority, value: new ByteWriter(4).u32be(check.priority).finish() },
    {
      type: check.role === 'controlling' ? IceControlling : IceControlled,
      value: bigEndian64(check.tieBreaker),
    },
  ];
  if (check.isNominating) {
    attributes.push({ type: UseCandidate, value: new Uint8Array(0) });
    if (check.dialect === 'standard' && check.nomination !== undefined) {
      attributes.push({ type: Nomination, value: u32(check.nomination) });
    }
  }
  const { transactionId, fillToBytes = 0 } = check;
  const message = { class: StunClass.Request, method: BINDING_METHOD, transactionId, attributes };
  const filler = fillToBytes - TAIL_BYTES - ATTRIBUTE_HEADER_BYTES - encodeStun(message).length;
  if (filler >= 0) {
    attributes.push({ type: IceAttributeType.Filler, value: new Uint8Array(filler & ~3) });
  }
  return protect(crypto, message, password);
}

/** RFC 8445 §7.3.1.2; GNS repeats the USERNAME. */
export function encodeCheckSuccess(
  crypto: StunCrypto,
  request: StunMessage,
  to: StunAddress,
  password: string,
  dialect: IceDialect,
): Uint8Array {
  const { method, transactionId } = request;
  const attributes = [xorMappedAddress(to, transactionId)];
  const username = findAttribute(request, StunAttributeType.Username);
  if (dialect === 'gns' && username !== undefined) {
    attributes.unshift({ type: StunAttributeType.Username, value: username });
  }
  const message = { class: StunClass.Success, method, transactionId, attributes };
  return protect(crypto, message, password);
}

export function encodeCheckError(
  crypto: StunCrypto,
  request: StunMessage,
  error: StunError,
  password: string,
  unknown: readonly number[] = [],
): Uint8Array {
  const { method, transactionId } = request;
  const attributes = [errorCode(error)];
  if (unknown.length > 0) attributes.push(unknownAttributes(unknown));
  return protect(crypto, { class: StunClass.Error, method, transactionId, attributes }, password);
}

/**
 * Whether the sender knows the password: RFC 8445 §7.3. Without FINGERPRINT a message is taken too,
 * as RFC 8445 §7.1.2 makes it the sender's duty and the MAC says more.
 */
export function isAuthentic(
  crypto: StunCrypto,
  bytes: Uint8Array,
  message: StunMessage,
  password: string,
): boolean {
  if (checkFingerprint(bytes) === false) return false;
  return checkMessageIntegrity(crypto, bytes, message, utf8(password));
}

/** Both halves of USERNAME, the receiver's first; `undefined` when there is none. @throws DecodeError */
export function decodeUsername(
  message: StunMessage,
): { readonly receiver: string; readonly sender: string } | undefined {
  const value = findAttribute(message, StunAttributeType.Username);
  if (value === undefined) return undefined;
  // Twice the longest ufrag and a colon; RFC 8489 §14.3 has 508 bytes.
  if (value.length > 2 * iceLimits.credentialChars + 1) throw malformed('username length');
  const text = String.fromCharCode(...value); // what is not ASCII just matches nobody
  const colon = text.indexOf(':');
  if (colon < 1) throw malformed('username');
  return { receiver: text.slice(0, colon), sender: text.slice(colon + 1) };
}

/** What a request asks; attributes behind the MAC are not looked at. @throws DecodeError */
export function decodeCheck(message: StunMessage): CheckRequest {
  const covered = { ...message, attributes: protectedAttributes(message) };
  const username = decodeUsername(covered);
  const priority = findAttribute(covered, IceAttributeType.Priority);
  const controlling = findAttribute(covered, IceAttributeType.IceControlling);
  const controlled = findAttribute(covered, IceAttributeType.IceControlled);
  const tieBreaker = controlling ?? controlled;
  if (username === undefined || priority?.length !== 4 || tieBreaker?.length !== 8) {
    throw malformed('check');
  }
  const nomination = findAttribute(covered, IceAttributeType.Nomination);
  return {
    receiverUfrag: username.receiver,
    senderUfrag: username.sender,
    priority: new ByteReader(priority).u32be(),
    role: controlling === undefined ? 'controlled' : 'controlling',
    tieBreaker: new DataView(tieBreaker.buffer, tieBreaker.byteOffset).getBigUint64(0),
    isNominating: findAttribute(covered, IceAttributeType.UseCandidate) !== undefined,
    nomination: nomination?.length === 4 ? new ByteReader(nomination).u32be() : undefined,
  };
}

/** Attributes that would have to be understood, and are not. */
export function unknownInCheck(message: StunMessage): number[] {
  return protectedAttributes(message)
    .map(({ type }) => type)
    .filter((type) => isComprehensionRequired(type) && !understoodInChecks.has(type));
}

function protect(crypto: StunCrypto, message: StunMessage, password: string): Uint8Array {
  return withFingerprint(withMessageIntegrity(crypto, encodeStun(message), utf8(password), 'sha1'));
}

function u32(value: number): Uint8Array {
  return new ByteWriter(4).u32be(value).finish();
}

function bigEndian64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

function malformed(what: string): DecodeError {
  return new DecodeError('WIRE_MALFORMED', what, 0);
}
