import type { Aead, PacketAead } from './crypto.ts';
import { AEAD_NONCE_BYTES, requireLength } from './input.ts';

/** {@link PacketAead} for backends that have nothing faster than their {@link Aead}. */
export function countNonces(aead: Aead, iv: Uint8Array): PacketAead {
  requireLength('AEAD nonce', iv, AEAD_NONCE_BYTES);
  const nonce = iv.slice();
  const view = new DataView(nonce.buffer);
  const ivLow = view.getUint32(0, true);
  const ivHigh = view.getUint32(4, true);
  const nonceOf = (number: number): Uint8Array => {
    const low = ivLow + (number % 2 ** 32);
    const carry = low >= 2 ** 32 ? 1 : 0;
    view.setUint32(0, low, true); // modulo 2^32
    view.setUint32(4, ivHigh + Math.floor(number / 2 ** 32) + carry, true);
    return nonce;
  };
  return {
    seal: (number, plaintext, target, at) => {
      const sealed = aead.seal(nonceOf(number), plaintext);
      target.set(sealed, at);
      return sealed.length;
    },
    open: (number, sealed) => aead.open(nonceOf(number), sealed),
    release: () => {},
  };
}
