import { NetError } from '../base/index.ts';
import { webRtcLimits } from './limits.ts';

/** What a session reads from a description; everything else is the stack's business. */
export interface SdpFacts {
  /** The SHA-256 of the DTLS certificate, 32 bytes. */
  readonly fingerprint: Uint8Array;
  readonly iceUfrag: string;
  /** Written by libdatachannel, whose answers are held back (docs/adr/0027). */
  readonly isLibdatachannel: boolean;
}

const FINGERPRINT = /^a=fingerprint:sha-256 ([0-9A-F]{2}(?::[0-9A-F]{2}){31})$/;
/** Text lines as SDP has them; a lone CR or another line separator reads differently in different stacks. */
const PRINTABLE_LINES = /^(?:[\x20-\x7e]*\r?\n)*[\x20-\x7e]*$/;

/**
 * Checks a description before it is applied. Chromium obeys the last fingerprint line and Firefox
 * any of them, so a second one, wherever and however spelled, would let in a stranger's key:
 * exactly one is allowed in all, in the one spelling that every stack writes (RFC 8122 §5).
 *
 * @throws NetError `WEBRTC_SDP_REFUSED`
 */
export function readSdp(sdp: string): SdpFacts {
  if (sdp.length > webRtcLimits.maxSdpBytes) throw refused('it is too long');
  if (!PRINTABLE_LINES.test(sdp)) throw refused('it has characters that SDP has not');
  if (sdp.match(/fingerprint/gi)?.length !== 1) throw refused('it needs exactly one fingerprint');
  const lines = sdp.split(/\r?\n/);
  const hex = lines.map((line) => FINGERPRINT.exec(line)?.[1]).find((match) => match);
  if (hex === undefined) throw refused('its fingerprint is not a sha-256 one');
  const media = lines.filter((line) => /^m=/i.test(line));
  if (media.length !== 1 || !media[0]?.startsWith('m=application ')) {
    throw refused('it needs exactly one section, for data channels');
  }
  const ufrag = lines.find((line) => line.startsWith('a=ice-ufrag:'));
  if (ufrag === undefined) throw refused('it has no ICE user fragment');
  return {
    fingerprint: Uint8Array.from(hex.split(':'), (byte) => Number.parseInt(byte, 16)),
    iceUfrag: ufrag.slice('a=ice-ufrag:'.length),
    isLibdatachannel: isFromLibdatachannel(sdp),
  };
}

/** Stacks add candidates to descriptions in force; without them a description keeps its size. */
export function withoutCandidates(sdp: string): string {
  return sdp.replace(/^a=(?:candidate:.*|end-of-candidates)\r?\n/gm, '');
}

/** libdatachannel names itself in the origin line (RFC 8866 §5.2). */
export function isFromLibdatachannel(sdp: string): boolean {
  return /^o=rtc /m.test(sdp);
}

function refused(why: string): NetError {
  return new NetError('WEBRTC_SDP_REFUSED', `session description refused: ${why}`);
}
