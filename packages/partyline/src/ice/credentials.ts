import { NetError } from '../base/index.ts';
import type { Crypto } from '../crypto/index.ts';
import { iceLimits } from './limits.ts';

/** RFC 8445 §5.3; one side's, exchanged by signaling. */
export interface IceCredentials {
  /** 4 to 256 characters of `ice-char` (RFC 8839 §5.4); GNS has 5. */
  readonly ufrag: string;
  /** 22 to 256 characters of `ice-char`; GNS has 5. */
  readonly password: string;
}

/** RFC 8839 §5.4 `ice-char`, in the order of base64, which is also the order of GNS's alphabet. */
const iceChars = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** 48 bits, where RFC 8445 §5.3 asks for 24. */
const UFRAG_CHARS = 8;
/** 144 bits, where RFC 8445 §5.3 asks for 128. */
const PASSWORD_CHARS = 24;
/** GNS: as many for either. */
const GNS_CHARS = 5;

/** Fresh ones for the standard profile. */
export function randomIceCredentials(crypto: Pick<Crypto, 'randomBytes'>): IceCredentials {
  return { ufrag: randomText(crypto, UFRAG_CHARS), password: randomText(crypto, PASSWORD_CHARS) };
}

/** GNS's: the ufrag follows from the own connection id, the password is sent as `pwd_frag`. */
export function gnsIceCredentials(
  crypto: Pick<Crypto, 'randomBytes'>,
  connectionId: number,
): IceCredentials {
  return { ufrag: gnsUfrag(connectionId), password: randomText(crypto, GNS_CHARS) };
}

/** The ufrag of whoever has this connection id; GNS never sends it. */
export function gnsUfrag(connectionId: number): string {
  return [24, 18, 12, 6, 0].map((shift) => iceChars.charAt((connectionId >>> shift) & 63)).join('');
}

/** @throws NetError `OPTIONS_INVALID` on a length or character that a USERNAME cannot carry. */
export function checkCredentials({ ufrag, password }: IceCredentials): void {
  for (const [name, text] of Object.entries({ ufrag, password })) {
    if (!/^[\x21-\x39\x3b-\x7e]+$/.test(text) || text.length > iceLimits.credentialChars) {
      throw new NetError('OPTIONS_INVALID', `${name} must have 1 to 256 ice-chars`);
    }
  }
}

function randomText(crypto: Pick<Crypto, 'randomBytes'>, length: number): string {
  return [...crypto.randomBytes(length)].map((byte) => iceChars.charAt(byte & 63)).join('');
}
