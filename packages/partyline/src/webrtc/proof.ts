import { type WebRtcRole, webrtcRecordBytes } from '../cert/verify/index.ts';

/** docs/wire/webrtc-signal.md#proof: u8 version, 64 bytes Ed25519 signature. */
export const PROOF_VERSION = 1;
export const PROOF_BYTES = 65;

/** Where and between whom a session is good; the remote key is the one its certificate names. */
export interface WebRtcContext {
  readonly app: string;
  readonly lobby: string;
  readonly epoch: number;
  /** Our member id. The smaller of the two offers. */
  readonly local: number;
  readonly remote: number;
  /** The remote member's certified session key, Ed25519. */
  readonly remoteKey: Uint8Array;
}

/** What both sides saw of one attempt. */
export interface AttemptRecord {
  readonly localNonce: Uint8Array;
  readonly remoteNonce: Uint8Array;
  /** SHA-256 of the certificates, as the applied descriptions have them. */
  readonly localFingerprint: Uint8Array;
  readonly remoteFingerprint: Uint8Array;
}

export function roleOf(context: WebRtcContext): WebRtcRole {
  return context.local < context.remote ? 'offerer' : 'answerer';
}

/** The first reliable message: says that this DTLS certificate is this member's, here and now. */
export function encodeProof(
  context: WebRtcContext,
  record: AttemptRecord,
  sign: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  const fromRole = roleOf(context);
  const proof = new Uint8Array(PROOF_BYTES);
  proof[0] = PROOF_VERSION;
  const signature = sign(
    webrtcRecordBytes({
      app: context.app,
      lobby: context.lobby,
      epoch: context.epoch,
      from: context.local,
      to: context.remote,
      fromRole,
      toRole: otherRole(fromRole),
      fromNonce: record.localNonce,
      toNonce: record.remoteNonce,
      fromFingerprint: record.localFingerprint,
      toFingerprint: record.remoteFingerprint,
    }),
  );
  proof.set(signature, 1);
  return proof;
}

/** Never throws: anything but the one right message is no proof. */
export function verifyProof(
  context: WebRtcContext,
  record: AttemptRecord,
  proof: Uint8Array,
  verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean,
): boolean {
  if (proof.length !== PROOF_BYTES || proof[0] !== PROOF_VERSION) return false;
  const toRole = roleOf(context);
  const message = webrtcRecordBytes({
    app: context.app,
    lobby: context.lobby,
    epoch: context.epoch,
    from: context.remote,
    to: context.local,
    fromRole: otherRole(toRole),
    toRole,
    fromNonce: record.remoteNonce,
    toNonce: record.localNonce,
    fromFingerprint: record.remoteFingerprint,
    toFingerprint: record.localFingerprint,
  });
  return verify(context.remoteKey, message, proof.subarray(1));
}

function otherRole(role: WebRtcRole): WebRtcRole {
  return role === 'offerer' ? 'answerer' : 'offerer';
}
