import { ByteWriter, utf8 } from '../base/index.ts';
import type { Aead, Crypto, SealingCrypto } from '../crypto/index.ts';
import { RelayKind, type RelayShare } from './relay-hello.ts';
import { ReplayWindow } from './replay-window.ts';

/** u8 kind, u64be counter. */
const HEADER_BYTES = 9;
const TAG_BYTES = 16;
/** What sealing adds to a packet. */
export const SEAL_OVERHEAD_BYTES: number = HEADER_BYTES + TAG_BYTES;

export interface SealKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

/** One end of the agreement: our member id, our share with its secret. */
export interface SealEnd {
  readonly member: number;
  readonly share: RelayShare;
}

/**
 * Two directional keys by HKDF-SHA-256 (RFC 5869): salt both nonces, info both members and keys, the
 * smaller member id first. @throws NetError `CRYPTO_INPUT_INVALID` on a low-order key
 */
export function deriveSealKeys(
  crypto: Pick<Crypto, 'hmacSha256'> & Pick<SealingCrypto, 'x25519'>,
  secret: Uint8Array,
  local: SealEnd,
  remote: SealEnd,
): SealKeys {
  const localFirst = local.member < remote.member;
  const [first, second] = localFirst ? [local, remote] : [remote, local];
  const salt = new ByteWriter(32).bytes(first.share.nonce).bytes(second.share.nonce).finish();
  const extracted = crypto.hmacSha256(salt, crypto.x25519(secret, remote.share.key));
  const expand = (direction: number): Uint8Array =>
    crypto.hmacSha256(
      extracted,
      new ByteWriter()
        .bytes(utf8('partyline relay 1'))
        .u32be(first.member)
        .u32be(second.member)
        .bytes(first.share.key)
        .bytes(second.share.key)
        .u8(direction)
        .u8(1) // RFC 5869 §2.3: the counter of the only block
        .finish(),
    );
  const [fromFirst, fromSecond] = [expand(0), expand(1)];
  return localFirst
    ? { send: fromFirst, receive: fromSecond }
    : { send: fromSecond, receive: fromFirst };
}

/** What `open` made of a payload. */
export type Opened =
  | { readonly type: 'packet'; readonly packet: Uint8Array }
  /** Not of this session, changed on the way, or seen before. */
  | { readonly type: 'dropped' }
  /** A reliable packet is missing: the lane broke its promise. */
  | { readonly type: 'gap' };

/**
 * ChaCha20-Poly1305 (RFC 8439) with a counter per lane as nonce. The key belongs to one session, so
 * no nonce comes twice; the lane is part of it, so the server cannot move a packet to the other one.
 */
export class RelaySeal {
  readonly #send: Aead;
  readonly #receive: Aead;
  readonly #nonce = new Uint8Array(12);
  readonly #counters = { reliable: 0, unreliable: 0 };
  readonly #window = new ReplayWindow();
  #nextReliable = 0;

  constructor(sealing: Pick<SealingCrypto, 'aead'>, keys: SealKeys) {
    this.#send = sealing.aead('chacha20-poly1305', keys.send);
    this.#receive = sealing.aead('chacha20-poly1305', keys.receive);
  }

  seal(packet: Uint8Array, reliable: boolean): Uint8Array {
    const counter = reliable ? this.#counters.reliable++ : this.#counters.unreliable++;
    const sealed = this.#send.seal(this.#nonceFor(counter, reliable), packet);
    const payload = new Uint8Array(HEADER_BYTES + sealed.length);
    payload[0] = RelayKind.Sealed;
    payload.set(this.#nonce.subarray(4), 1);
    payload.set(sealed, HEADER_BYTES);
    return payload;
  }

  open(payload: Uint8Array, reliable: boolean): Opened {
    if (payload.length < SEAL_OVERHEAD_BYTES) return { type: 'dropped' };
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const counter = view.getUint32(1) * 2 ** 32 + view.getUint32(5);
    if (!Number.isSafeInteger(counter)) return { type: 'dropped' };
    const old = reliable ? counter < this.#nextReliable : !this.#window.isFresh(counter);
    if (old) return { type: 'dropped' };
    const nonce = this.#nonceFor(counter, reliable);
    const packet = this.#receive.open(nonce, payload.subarray(HEADER_BYTES));
    if (!packet) return { type: 'dropped' };
    if (!reliable) this.#window.accept(counter);
    else if (counter > this.#nextReliable) return { type: 'gap' };
    else this.#nextReliable++;
    return { type: 'packet', packet };
  }

  #nonceFor(counter: number, reliable: boolean): Uint8Array {
    const view = new DataView(this.#nonce.buffer);
    view.setUint8(0, reliable ? 1 : 0);
    view.setUint32(4, Math.floor(counter / 2 ** 32));
    view.setUint32(8, counter % 2 ** 32);
    return this.#nonce;
  }
}
