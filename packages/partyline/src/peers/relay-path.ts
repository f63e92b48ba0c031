import { type Cancel, DecodeError, NetError, type Scheduler } from '../base/index.ts';
import { ATTEMPT_NONCE_BYTES, type MemberScope } from '../cert/verify/index.ts';
import type { Crypto, SealingCrypto } from '../crypto/index.ts';
import {
  decodeRelayHello,
  encodeRelayHello,
  proofBytes,
  type RelayHello,
  RelayKind,
  type RelayProof,
  type RelayShare,
  sameBytes,
} from './relay-hello.ts';
import { deriveSealKeys, RelaySeal } from './relay-seal.ts';
import { RelayWire } from './relay-wire.ts';
import type { WireHandlers } from './wire.ts';

/** Between two hellos while the other side has not proved itself, in milliseconds. */
export const HELLO_INTERVAL_MS = 500;
/** Between two new handshakes that the other side makes us begin, in milliseconds. */
const RENEW_SPACING_MS = 1000;
/** Answers to hellos of one handshake besides the timer's: signatures are not free. */
const MAX_ANSWERS = 16;
/** Proofs for our very share that do not verify before we give up; the next could be of another hand. */
const MAX_BAD_PROOFS = 4;

export interface RelayPathHandlers {
  /** The member proved who it is; gives what the wire's events go to. Again after each new handshake. */
  onWire(wire: RelayWire): WireHandlers | undefined;
  /** Once: this member cannot prove who it is. Nothing follows. */
  onFailed(error: NetError): void;
}

export interface RelayPathOptions {
  /** `from` is us, `to` the other member. */
  readonly scope: MemberScope;
  readonly crypto: Crypto;
  readonly sealing: SealingCrypto;
  readonly scheduler: Scheduler;
  readonly sign: (envelope: Uint8Array) => Uint8Array;
  /** The other member's certified session key. @throws NetError `CERT_INVALID` */
  readonly remoteKey: () => Uint8Array;
  /** One payload on the relay socket. */
  readonly send: (payload: Uint8Array, reliable: boolean) => void;
  /** Bytes waiting in the relay socket. */
  readonly bufferedBytes: () => number;
  /** The wire was full: call {@link RelayPath.handleWritable} when it is not. */
  readonly onFull: () => void;
  readonly handlers: RelayPathHandlers;
}

/** A handshake of ours: an ephemeral key that serves one session at most, so that no nonce repeats. */
interface Handshake {
  readonly secret: Uint8Array;
  readonly local: RelayShare;
  remote: RelayShare | undefined;
  /** Our signature over both shares; made once for each share of the other side. */
  signature: Uint8Array | undefined;
  answers: number;
}

interface Active {
  readonly handshake: Handshake & { readonly remote: RelayShare };
  readonly wire: RelayWire;
}

/** Everything between us and one other member on the relay socket: proof of identity, keys, sealed packets. */
export class RelayPath {
  readonly #options: RelayPathOptions;
  #pending: Handshake | undefined;
  #active: Active | undefined;
  #cancelHello: Cancel | undefined;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #badProofs = 0;
  #isClosed = false;
  malformed = 0;

  constructor(options: RelayPathOptions) {
    this.#options = options;
    this.#begin();
  }

  handlePayload(payload: Uint8Array, reliable: boolean): void {
    if (this.#isClosed) return;
    if (payload[0] === RelayKind.Sealed) {
      if (this.#active?.wire.handlePayload(payload, reliable) === 'gap') this.#restart();
      return;
    }
    try {
      this.#handleHello(decodeRelayHello(payload));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.malformed++;
    }
  }

  handleWritable(): void {
    this.#active?.wire.handleWritable();
  }

  /** The wire ends with the reason; idempotent. */
  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelHello?.();
    this.#pending = undefined;
    const active = this.#active;
    this.#active = undefined;
    active?.wire.end(reason);
  }

  #begin(): void {
    const { crypto, sealing } = this.#options;
    const secret = crypto.randomBytes(32);
    const local = {
      key: sealing.x25519PublicKey(secret),
      nonce: crypto.randomBytes(ATTEMPT_NONCE_BYTES),
    };
    this.#pending = { secret, local, remote: undefined, signature: undefined, answers: 0 };
    this.#cancelHello?.();
    this.#sayHello();
  }

  /** A reliable packet got lost on the way, or the socket is a new one there: agree anew. */
  #restart(): void {
    const active = this.#active;
    this.#active = undefined;
    this.#begin();
    active?.wire.end('the relay lost a packet');
  }

  #sayHello(): void {
    const { scheduler } = this.#options;
    this.#cancelHello = scheduler.after(HELLO_INTERVAL_MS, () => this.#sayHello());
    if (this.#pending) this.#send(this.#pending, true);
  }

  #send(handshake: Handshake, wantsAnswer: boolean): void {
    const { scope, sign, send } = this.#options;
    const { local, remote } = handshake;
    if (remote) handshake.signature ??= sign(proofBytes(scope, local, remote));
    const { signature } = handshake;
    const proof = remote && signature && { toNonce: remote.nonce, signature };
    send(encodeRelayHello({ ...local, wantsAnswer, proof }), true);
  }

  #handleHello(hello: RelayHello): void {
    const { handshake } = this.#active ?? {};
    if (handshake && sameBytes(handshake.remote.key, hello.key)) {
      if (hello.wantsAnswer) this.#answer(handshake, false);
      return;
    }
    const pending = this.#pending ?? this.#renew();
    if (!pending) return;
    if (!pending.remote || !sameBytes(pending.remote.key, hello.key)) {
      pending.remote = { key: hello.key, nonce: hello.nonce };
      pending.signature = undefined;
    }
    if (hello.proof && this.#verify(pending, pending.remote, hello.proof)) {
      this.#establish(pending, pending.remote, hello.wantsAnswer);
    } else if (!this.#isClosed) this.#answer(pending, true);
  }

  /** The other side began anew while we are connected: it gets a fresh key of ours, never the old one. */
  #renew(): Handshake | undefined {
    const now = this.#options.scheduler.now();
    if (now - this.#renewedAt < RENEW_SPACING_MS) return undefined;
    this.#renewedAt = now;
    this.#begin();
    return this.#pending;
  }

  #answer(handshake: Handshake, wantsAnswer: boolean): void {
    if (handshake.answers >= MAX_ANSWERS) return;
    handshake.answers++;
    this.#send(handshake, wantsAnswer);
  }

  #verify({ local }: Handshake, remote: RelayShare, proof: RelayProof): boolean {
    if (!sameBytes(proof.toNonce, local.nonce)) return false; // for a share of ours that is gone
    const { crypto, remoteKey, scope } = this.#options;
    const { from, to } = scope;
    const envelope = proofBytes({ ...scope, from: to, to: from }, remote, local);
    try {
      if (crypto.ed25519Verify(remoteKey(), envelope, proof.signature)) return true;
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      this.#fail(error);
      return false;
    }
    this.#badProofs++;
    if (this.#badProofs >= MAX_BAD_PROOFS) {
      this.#fail(new NetError('PEER_UNVERIFIED', 'the other side could not prove who it is'));
    }
    return false;
  }

  #establish(handshake: Handshake, remote: RelayShare, wantsAnswer: boolean): void {
    const { crypto, sealing, scope, handlers } = this.#options;
    const { secret, local } = handshake;
    let seal: RelaySeal;
    try {
      const keys = deriveSealKeys(
        { hmacSha256: (key, bytes) => crypto.hmacSha256(key, bytes), x25519: sealing.x25519 },
        secret,
        { member: scope.from, share: local },
        { member: scope.to, share: remote },
      );
      seal = new RelaySeal(sealing, keys);
    } catch (cause) {
      // A key of low order is no key: the other side signed nonsense.
      this.#fail(new NetError('PEER_UNVERIFIED', 'the other side sent no usable key', { cause }));
      return;
    }
    // Before any packet, on the lane that keeps order: so it can open what follows.
    if (wantsAnswer) this.#send(handshake, false);
    const { send, bufferedBytes, onFull } = this.#options;
    const wire = new RelayWire({ seal, send, bufferedBytes, onFull });
    const replaced = this.#active;
    this.#badProofs = 0;
    this.#pending = undefined;
    this.#cancelHello?.();
    this.#active = { handshake: { ...handshake, remote }, wire };
    const wireHandlers = handlers.onWire(wire);
    if (wireHandlers) wire.open(wireHandlers);
    replaced?.wire.end('the other side connected anew');
  }

  #fail(error: NetError): void {
    if (this.#isClosed) return;
    this.close(error.message);
    this.#options.handlers.onFailed(error);
  }
}
