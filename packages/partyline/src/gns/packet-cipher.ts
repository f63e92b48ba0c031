import type { Aead, SealingCrypto } from '../crypto/index.ts';
import { Cipher } from './crypt-share.ts';

/** AES-GCM's tag, at the end of the packet. */
export const TAG_BYTES = 16;

/** Protects the packets of one direction: docs/wire/gns.md#packet-protection. */
export class PacketCipher {
  readonly overheadBytes: number;
  readonly #aead: Aead | undefined;
  readonly #nonce: Uint8Array;
  readonly #nonceView: DataView;
  readonly #ivLow: number;
  readonly #ivHigh: number;

  constructor(crypto: SealingCrypto, cipher: Cipher, key: Uint8Array, iv: Uint8Array) {
    const isNull = cipher === Cipher.Null;
    this.#aead = isNull ? undefined : crypto.aead('aes-256-gcm', key);
    this.overheadBytes = isNull ? 0 : TAG_BYTES;
    this.#nonce = iv.slice();
    this.#nonceView = new DataView(this.#nonce.buffer);
    this.#ivLow = this.#nonceView.getUint32(0, true);
    this.#ivHigh = this.#nonceView.getUint32(4, true);
  }

  /** Puts the protected form of `plaintext` at `at` of `target`; returns its length. */
  seal(packetNumber: number, plaintext: Uint8Array, target: Uint8Array, at: number): number {
    const sealed = this.#aead?.seal(this.#nonceOf(packetNumber), plaintext) ?? plaintext;
    target.set(sealed, at);
    return sealed.length;
  }

  /** `undefined` for anything that the peer did not make. */
  open(packetNumber: number, sealed: Uint8Array): Uint8Array | undefined {
    if (this.#aead === undefined) return sealed;
    return this.#aead.open(this.#nonceOf(packetNumber), sealed);
  }

  /** The IV with the packet number added to its first 64 bits, little endian, wrapping. */
  #nonceOf(packetNumber: number): Uint8Array {
    const low = this.#ivLow + (packetNumber % 2 ** 32);
    const carry = low >= 2 ** 32 ? 1 : 0;
    this.#nonceView.setUint32(0, low, true); // modulo 2^32
    this.#nonceView.setUint32(4, this.#ivHigh + Math.floor(packetNumber / 2 ** 32) + carry, true);
    return this.#nonce;
  }
}
