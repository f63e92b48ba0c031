import { AEAD_TAG_BYTES, type PacketAead } from '../crypto/index.ts';
import { Cipher } from './crypt-share.ts';

/** Protects the packets of one direction: docs/wire/gns.md#packet-protection. */
export class PacketCipher {
  readonly overheadBytes: number;
  /** `undefined` for the NULL cipher, and before it is needed. */
  #aead: PacketAead | undefined;
  #open: (() => PacketAead) | undefined;

  /** `open` is called once, when the first packet comes or {@link PacketCipher.prepare} asks; not for the NULL cipher. */
  constructor(cipher: Cipher, open: () => PacketAead) {
    const isNull = cipher === Cipher.Null;
    this.#open = isNull ? undefined : open;
    this.overheadBytes = isNull ? 0 : AEAD_TAG_BYTES;
  }

  /** Makes now what the first packet would have to wait for. */
  prepare(): void {
    if (this.#open === undefined) return;
    this.#aead = this.#open();
    this.#open = undefined;
  }

  /** Puts the protected form of `plaintext` at `at` of `target`; returns its length. */
  seal(packetNumber: number, plaintext: Uint8Array, target: Uint8Array, at: number): number {
    if (this.#open !== undefined) this.prepare();
    if (this.#aead !== undefined) return this.#aead.seal(packetNumber, plaintext, target, at);
    target.set(plaintext, at);
    return plaintext.length;
  }

  /** `undefined` for anything that the peer did not make. Valid until the next call of any cipher. */
  open(packetNumber: number, sealed: Uint8Array): Uint8Array | undefined {
    if (this.#open !== undefined) this.prepare();
    return this.#aead === undefined ? sealed : this.#aead.open(packetNumber, sealed);
  }

  /** Gives back memory that an idle connection does not need. */
  release(): void {
    this.#aead?.release();
  }
}
