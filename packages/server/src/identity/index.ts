export { fromText, toText } from './bytes.ts';
export { CHALLENGE_MS, Challenge } from './challenge.ts';
export {
  type GuestLogin,
  type Proven,
  proveGuest,
  proveToken,
  requireSessionKey,
  type SessionProof,
  type TokenLogin,
} from './login.ts';
export { KnownOrigins, type Reached } from './origin.ts';
export { type OpenSession, type SessionRecord, Sessions } from './sessions.ts';
export { checkTokenKeys, TOKEN_LIFETIME_SEC, TOKEN_SKEW_SEC } from './token.ts';
