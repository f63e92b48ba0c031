import { z } from 'zod';
import { codeAlphabet, limits } from './limits.ts';

const printable = /^[^\p{Cc}\p{Cs}]*$/u;

/** Bytes as base64url without padding, exactly so many. */
const base64url = (bytes: number) =>
  z
    .string()
    .regex(
      new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`),
      `${bytes} bytes as base64url`,
    );

export const appId = z.string().regex(/^[a-z0-9-]{1,32}$/, '1 to 32 of a-z 0-9 -');
/** `g` + 26 base32 characters for guests; `u…` for token logins. */
export const playerId = z.string().regex(/^[a-z][a-z2-7]{26}$/);
/** 16 random bytes. */
export const lobbyId = base64url(16);
/** Six characters; four in `--dev`, where they are typed all day. */
export const lobbyCode = z
  .string()
  .regex(
    new RegExp(
      `^(?:[${codeAlphabet}]{${limits.codeLength}}|[${codeAlphabet}]{${limits.devCodeLength}})$`,
    ),
  );
export const inviteToken = base64url(24);
/** In a mesh also the member's peer id, which is why it has 31 bits. */
export const memberId = z.int().min(1).max(0x7fff_ffff);
export const peerId = z.int().min(1).max(0x7fff_ffff);
export const playerName = z.string().min(1).max(limits.playerNameLength).regex(printable);
export const reason = z.string().max(limits.reasonLength).regex(printable);
export const publicKey = base64url(32);
export const signature = base64url(64);
export const nonce = base64url(32);
export const resumeToken = base64url(32);
export const ticket = base64url(32);
/** A CMsgSteamDatagramCertificateSigned, base64url. */
export const cert = z.string().regex(/^[A-Za-z0-9_-]{1,1400}$/);
export const dataKey = z.string().min(1).max(limits.dataKeyLength).regex(printable);
export const dataValue = z.string().max(limits.dataValueLength);
export const dataMap = z.record(dataKey, dataValue);
/** `null` deletes the key. */
export const dataPatch = z.record(dataKey, dataValue.nullable());
/** What a member can open: `webrtc`, `relay`; later `gns`, `lan`. Unknown ones are ignored. */
export const capability = z.string().regex(/^[a-z0-9-]{1,16}$/);
