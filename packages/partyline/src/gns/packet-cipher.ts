import { AEAD_TAG_BYTES, type PacketAead, type SealingCrypto } from '../crypto/index.ts';
import { Cipher } from './crypt-share.ts';

/** Protects the packets of one direction: docs/wire/gns.md#packet-protection. */
export class PacketCipher {
  readonly overheadBytes: number;
  /** `undefined` for the NULL cipher. */
  readonly #aead: PacketAead | undefined;

  constructor(crypto: SealingCrypto, cipher: Cipher, key: Uint8Array, iv: Uint8Array) {
    const isNull = cipher === Cipher.Null;
    this.#aead = isNull ? undefined : crypto.packetAead(key, iv);
    this.overheadBytes = isNull ? 0 : AEAD_TAG_BYTES;
  }

  /** Puts the protected form of `plaintext` at `at` of `target`; returns its length. */
  seal(packetNumber: number, plaintext: Uint8Array, target: Uint8Array, at: number): number {
    if (this.#aead !== undefined) return this.#aead.seal(packetNumber, plaintext, target, at);
    target.set(plaintext, at);
    return plaintext.length;
  }

  /** `undefined` for anything that the peer did not make. Valid until the next call of any cipher. */
  open(packetNumber: number, sealed: Uint8Array): Uint8Array | undefined {
    return this.#aead === undefined ? sealed : this.#aead.open(packetNumber, sealed);
  }

  /** Gives back memory that an idle connection does not need. */
  release(): void {
    this.#aead?.release();
  }
}
