/**
 * Every error this package throws or reports.
 *
 * Match on {@link NetError.code}, never on the message and not on `instanceof`: two copies of the
 * package in one process must still understand each other.
 */
export class NetError extends Error {
  override readonly name: string = 'NetError';
  /** Stable, greppable, documented in docs/errors.md. Adding one is minor, removing one is major. */
  readonly code: NetErrorCode;
  /** How long to wait before trying again, in milliseconds; present on `RATE_LIMITED`. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: NetErrorCode,
    message: string,
    options?: ErrorOptions & { retryAfterMs?: number | undefined },
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/**
 * What each code means and what to do about it: the one list, from which docs/errors.md is made.
 * The part before the first `_` is the area.
 */
export const netErrorCodes = {
  WIRE_TRUNCATED: 'Bytes from the network end too early. Counted and dropped, never thrown at you.',
  WIRE_MALFORMED: 'Bytes from the network do not parse. Counted and dropped, never thrown at you.',
  OPTIONS_INVALID: 'An option has a value it cannot have; the message names it and what it takes.',
  CRYPTO_INPUT_INVALID:
    'A key or nonce has the wrong length, or the key is one that gives no secret.',
  CERT_INVALID:
    'A certificate is malformed, expired, for another identity, or not signed by the app.',
  GNS_ADDRESS_IN_USE:
    'This socket has a connection to that address already, or it is still ending.',
  GNS_TOO_MANY_CONNECTIONS: 'The endpoint holds as many connections as maxConnections allows.',
  GNS_CONNECT_FAILED:
    "The connection could not be made; the message has GNS's end reason and what is known of the cause.",
  GNS_CLOSED: 'The connection has ended; endReason and endDebug say why.',
  UDP_SOCKET: 'The UDP socket could not be opened or failed; the cause has the system error.',
  STUN_TIMEOUT: 'No STUN server answered. Is UDP blocked?',
  TURN_UNREACHABLE: 'The relay does not answer, or the connection to it failed or broke.',
  TURN_UNAUTHORIZED: 'The relay refuses the username or the password; they may have expired (401).',
  TURN_MISMATCH:
    'The relay has no such allocation any more, or has another one for our address (437).',
  TURN_WRONG_CREDENTIALS: 'The allocation is of another username (441).',
  TURN_QUOTA: 'This user or address has as many allocations as the relay allows (486).',
  TURN_CAPACITY: 'The relay has no free port, or allows no more peers or channels (508).',
  TURN_FORBIDDEN: 'The relay does not let this user do that, or relay to that peer (403).',
  TURN_FAMILY: 'The relay, or this allocation, has no address of that family (440, 443).',
  TURN_REFUSED: 'The relay refuses for another reason; the message has its code and words.',
  TURN_CLOSED: 'This allocation was closed by you.',

  CONNECT_FAILED: 'The server could not be reached. Is it running, and is the address right?',
  CONNECT_TIMEOUT: 'The server did not answer in time.',
  CONNECTION_LOST:
    'The connection to the server ended before the answer came; the call may or may not have taken effect.',
  PROTOCOL_UNSUPPORTED: 'Client and server speak different major versions; update the older one.',
  SESSION_CLOSED: 'This session was closed by you.',
  SESSION_REPLACED: 'The same session was resumed elsewhere, for example in another tab.',
  SESSION_EXPIRED: 'The session cannot be resumed any more; connect anew.',
  SERVER_SHUTTING_DOWN: 'The server is going down; try again shortly.',
  SERVER_ERROR: 'The server failed; its log has the details.',
  SERVER_MESSAGE_INVALID: 'The server said something this client does not understand.',

  REQUEST_MALFORMED: 'The request is not JSON-RPC 2.0.',
  REQUEST_UNKNOWN_METHOD: 'The server has no such method.',
  REQUEST_INVALID: 'A parameter is wrong; the message names it.',
  REQUEST_TOO_LARGE: 'The request is over the size limit (docs/limits.md).',
  REQUEST_TIMEOUT: 'The server did not answer in time; the call may or may not have taken effect.',
  RATE_LIMITED: 'Too many requests; wait for retryAfterMs.',
  AUTH_REQUIRED: 'Log in first.',
  AUTH_FAILED: 'The login was refused: signature, token, challenge or app is wrong.',
  APP_UNKNOWN: 'The server has no such app; an operator adds apps in its configuration.',
  APP_FORBIDDEN: 'The app refuses this kind of login or this origin.',

  LOBBY_UNAVAILABLE:
    'There is no such lobby, or it is full, locked or not open to you. One answer for all, so that codes cannot be probed.',
  LOBBY_NOT_MEMBER: 'You are not in this lobby.',
  LOBBY_NOT_OWNER: 'Only the owner of the lobby may do this.',
  LOBBY_ALREADY_MEMBER: 'You are in this lobby already.',
  LOBBY_MEMBER_UNKNOWN: 'No such member in this lobby.',
  LOBBY_LIMIT: 'A limit of the lobby or of your account is reached; the message names it.',
  LOBBY_CLOSED: 'The lobby ended for you: you left, were kicked, or it is gone.',

  SIGNAL_REFUSED: 'A signal is over 16 KiB or goes to somebody who shares no lobby with you.',
  PEER_CLOSED: 'This peer was closed.',
  PEER_UNSET: 'Multiplayer has no peer: set one first.',
  PEER_NOT_CONNECTED: 'This peer is not connected to its host yet.',
  PEER_UNKNOWN: 'No such peer is connected.',
  PEER_MESSAGE_TOO_LARGE: 'The message is over maxMessageBytes.',
  PEER_BUFFER_FULL: 'The receiver does not keep up: wait until bufferedBytes falls.',
  PEER_CONNECT_FAILED: 'No wire to the host could be opened; the message lists what was tried.',
  PEER_CONNECT_TIMEOUT: 'The host did not answer in time.',
  PEER_UNVERIFIED: 'The other side could not prove that it is the member it claims to be.',
  RPC_UNKNOWN: 'No such rpc is defined.',
  RPC_FORBIDDEN: 'The rpc mode does not allow this call.',
  RPC_ARGUMENTS: 'An argument cannot be sent, or the arguments do not fit.',
  WEBRTC_UNAVAILABLE: 'WebRTC is not available here. In Node, install node-datachannel.',
  WEBRTC_SDP_REFUSED:
    'A session description was refused: it must carry exactly one sha-256 fingerprint.',
} as const;

export type NetErrorCode = keyof typeof netErrorCodes;

/**
 * Bytes from the network did not parse. Thrown by decoders only; a core catches it, counts it in
 * its stats and drops the datagram. It never reaches the application.
 */
export class DecodeError extends NetError {
  override readonly name = 'DecodeError';
  /** Byte offset, from the start of the buffer given to the decoder, where parsing stopped. */
  readonly offset: number;

  constructor(code: 'WIRE_TRUNCATED' | 'WIRE_MALFORMED', what: string, offset: number) {
    super(code, `${what} at byte ${offset}`);
    this.offset = offset;
  }
}

/** Works across copies of the package; with `code`, whether it is that one. */
export function isNetError(value: unknown, code?: NetErrorCode): value is NetError {
  return (
    value instanceof Error &&
    'code' in value &&
    typeof value.code === 'string' &&
    (code === undefined ? Object.hasOwn(netErrorCodes, value.code) : value.code === code)
  );
}
