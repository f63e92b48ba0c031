import { ByteReader, ByteWriter, DecodeError } from '../base/index.ts';
import { ATTEMPT_NONCE_BYTES, type MemberScope, relayHelloBytes } from '../cert/verify/index.ts';

/** docs/wire/relay.md: first byte of a relayed payload. */
export const RelayKind = { Hello: 1, Sealed: 2 } as const;

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const Flag = { WantsAnswer: 1, HasProof: 2 } as const;

/** What one side brings to a handshake: good for one session only. */
export interface RelayShare {
  /** Ephemeral X25519 public key. */
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
}

export interface RelayHello extends RelayShare {
  /** The sender has not verified us yet. */
  readonly wantsAnswer: boolean;
  /** The sender's signature over both shares, once it knows ours. */
  readonly proof: RelayProof | undefined;
}

export interface RelayProof {
  /** Nonce of the share it answers: one that is not ours any more is late, not wrong. */
  readonly toNonce: Uint8Array;
  readonly signature: Uint8Array;
}

export function encodeRelayHello(hello: RelayHello): Uint8Array {
  const flags = (hello.wantsAnswer ? Flag.WantsAnswer : 0) | (hello.proof ? Flag.HasProof : 0);
  const writer = new ByteWriter(128).u8(RelayKind.Hello).u8(flags).bytes(hello.key);
  writer.bytes(hello.nonce);
  if (hello.proof) writer.bytes(hello.proof.toNonce).bytes(hello.proof.signature);
  return writer.finish();
}

/** The copy is the caller's to keep. @throws DecodeError */
export function decodeRelayHello(payload: Uint8Array): RelayHello {
  const reader = new ByteReader(payload);
  const kind = reader.u8('relay kind');
  const flags = reader.u8('hello flags');
  if (kind !== RelayKind.Hello || flags > 3) throw new DecodeError('WIRE_MALFORMED', 'hello', 0);
  const key = reader.bytes(KEY_BYTES, 'key').slice();
  const nonce = reader.bytes(ATTEMPT_NONCE_BYTES, 'nonce').slice();
  const hasProof = (flags & Flag.HasProof) !== 0;
  const proof = hasProof ? readProof(reader) : undefined;
  if (reader.remaining > 0) throw new DecodeError('WIRE_MALFORMED', 'hello', reader.offset);
  return { key, nonce, wantsAnswer: (flags & Flag.WantsAnswer) !== 0, proof };
}

function readProof(reader: ByteReader): RelayProof {
  return {
    toNonce: reader.bytes(ATTEMPT_NONCE_BYTES, 'answered nonce').slice(),
    signature: reader.bytes(SIGNATURE_BYTES, 'signature').slice(),
  };
}

/** What the member `from` signs to say: this share is mine, for this peer and the share I got from it. */
export function proofBytes(scope: MemberScope, from: RelayShare, to: RelayShare): Uint8Array {
  return relayHelloBytes({
    ...scope,
    fromKey: from.key,
    toKey: to.key,
    fromNonce: from.nonce,
    toNonce: to.nonce,
  });
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
