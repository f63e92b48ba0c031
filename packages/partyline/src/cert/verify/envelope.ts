import { ByteWriter, NetError, utf8 } from '../../base/index.ts';

/**
 * What our keys sign (docs/wire/envelope.md). GNS signs raw protobuf, which never starts with 0x00
 * (there is no field 0), so no signature of ours is one of GNS's, or the reverse.
 */
export const ENVELOPE_FIRST_BYTE = 0;
/** Bytes of a login challenge. */
export const LOGIN_NONCE_BYTES = 32;
/** Bytes of the nonce that each side of a WebRTC or relay attempt draws. */
export const ATTEMPT_NONCE_BYTES = 16;
/** SHA-256 of a DTLS certificate. */
export const FINGERPRINT_BYTES = 32;

export interface LoginRecord {
  /** `login`: by the guest's long-lived key. `session`: by the session key. */
  readonly purpose: 'login' | 'session';
  /** What the client dialled, as `scheme://host:port`. */
  readonly origin: string;
  readonly app: string;
  /** The server's challenge, {@link LOGIN_NONCE_BYTES}. */
  readonly nonce: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly sessionKey: Uint8Array;
}

/** Where a record between two members is good: nowhere else, and in no other epoch. */
export interface MemberScope {
  readonly app: string;
  readonly lobby: string;
  readonly epoch: number;
  /** The member that signs. */
  readonly from: number;
  /** The member that verifies. */
  readonly to: number;
}

export interface SignalRecord extends MemberScope {
  readonly payload: Uint8Array;
}

export type WebRtcRole = 'offerer' | 'answerer';

/** `from…` is the signer's, `to…` what the signer saw of the other. */
export interface WebRtcRecord extends MemberScope {
  readonly fromRole: WebRtcRole;
  readonly toRole: WebRtcRole;
  /** {@link ATTEMPT_NONCE_BYTES} each. */
  readonly fromNonce: Uint8Array;
  readonly toNonce: Uint8Array;
  /** {@link FINGERPRINT_BYTES} each. */
  readonly fromFingerprint: Uint8Array;
  readonly toFingerprint: Uint8Array;
}

export interface RelayHelloRecord extends MemberScope {
  /** Ephemeral X25519, 32 bytes each. */
  readonly fromKey: Uint8Array;
  readonly toKey: Uint8Array;
  /** {@link ATTEMPT_NONCE_BYTES} each. */
  readonly fromNonce: Uint8Array;
  readonly toNonce: Uint8Array;
}

/** @throws NetError `OPTIONS_INVALID` on a nonce or key of another length. */
export function loginBytes(record: LoginRecord): Uint8Array {
  return envelope(record.purpose, [
    utf8(record.origin),
    utf8(record.app),
    exactly('nonce', record.nonce, LOGIN_NONCE_BYTES),
    exactly('sessionKey', record.sessionKey, 32),
  ]);
}

/** @throws NetError `OPTIONS_INVALID` when `from` is `to` or the payload is over 65,535 bytes. */
export function signalBytes(record: SignalRecord): Uint8Array {
  return envelope('signal', [...scope(record), record.payload]);
}

/** @throws NetError `OPTIONS_INVALID` when `from` is `to`, both roles are one, or a length is wrong. */
export function webrtcRecordBytes(record: WebRtcRecord): Uint8Array {
  if (record.fromRole === record.toRole) throw invalid('both roles are the same');
  return envelope('webrtc', [
    ...scope(record),
    utf8(record.fromRole),
    utf8(record.toRole),
    exactly('fromNonce', record.fromNonce, ATTEMPT_NONCE_BYTES),
    exactly('toNonce', record.toNonce, ATTEMPT_NONCE_BYTES),
    exactly('fromFingerprint', record.fromFingerprint, FINGERPRINT_BYTES),
    exactly('toFingerprint', record.toFingerprint, FINGERPRINT_BYTES),
  ]);
}

/** @throws NetError `OPTIONS_INVALID` when `from` is `to` or a length is wrong. */
export function relayHelloBytes(record: RelayHelloRecord): Uint8Array {
  return envelope('relay', [
    ...scope(record),
    exactly('fromKey', record.fromKey, 32),
    exactly('toKey', record.toKey, 32),
    exactly('fromNonce', record.fromNonce, ATTEMPT_NONCE_BYTES),
    exactly('toNonce', record.toNonce, ATTEMPT_NONCE_BYTES),
  ]);
}

/** Whether bytes may be signed with a session key at all. */
export function isEnvelope(bytes: Uint8Array): boolean {
  return bytes[0] === ENVELOPE_FIRST_BYTE;
}

function scope({ app, lobby, epoch, from, to }: MemberScope): Uint8Array[] {
  if (from === to) throw invalid('from and to are the same member');
  return [utf8(app), utf8(lobby), u32('epoch', epoch), u32('from', from), u32('to', to)];
}

/** Every field with its length, so that no two records have the same bytes. */
function envelope(purpose: string, fields: readonly Uint8Array[]): Uint8Array {
  const all = [utf8(purpose), ...fields];
  const bytes = new Uint8Array(all.reduce((sum, field) => sum + 2 + field.length, 1));
  bytes[0] = ENVELOPE_FIRST_BYTE;
  let at = 1;
  for (const field of all) {
    if (field.length > 0xffff) throw invalid(`a field of ${field.length} bytes`);
    bytes[at++] = field.length >> 8;
    bytes[at++] = field.length;
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}

function exactly(name: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw invalid(`${name} is ${bytes.length} bytes, not ${length}`);
  return bytes;
}

function u32(name: string, value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw invalid(`${name} is not a 32-bit number`);
  }
  return new ByteWriter(4).u32be(value).finish();
}

function invalid(why: string): NetError {
  return new NetError('OPTIONS_INVALID', `not a record to sign: ${why}`);
}
