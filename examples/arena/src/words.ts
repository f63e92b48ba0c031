/** What went wrong, as a player can use it. Codes are those of `NetError`. */
const words: Readonly<Record<string, string>> = {
  CONNECT_FAILED: 'The game server cannot be reached. Is it running?',
  CONNECT_TIMEOUT: 'The game server does not answer. Try again in a moment.',
  CONNECTION_LOST: 'The connection to the game server broke. Try again.',
  PROTOCOL_UNSUPPORTED: 'This page and the server are of different versions. Reload the page.',
  SESSION_REPLACED: 'You opened this game in another tab. It goes on there.',
  SESSION_EXPIRED: 'You were away for too long. Reload the page to play again.',
  SESSION_CLOSED: 'This page has left the server. Reload it to play again.',
  SERVER_SHUTTING_DOWN: 'The server is restarting. Try again in a moment.',
  SERVER_ERROR: 'Something broke on the server. Try again.',
  RATE_LIMITED: 'That was too fast. Wait a moment and try again.',
  AUTH_FAILED: 'The server refused the login. Reload the page.',
  APP_UNKNOWN: 'This server does not know this game.',
  APP_FORBIDDEN: 'This server does not allow players from this page.',
  LOBBY_UNAVAILABLE: 'No such game: the code is wrong, or the game is full or over.',
  LOBBY_ALREADY_MEMBER: 'You are in this game already.',
  LOBBY_NOT_OWNER: 'Only the host may do that.',
  LOBBY_LIMIT: 'A limit of the server is reached.',
  LOBBY_CLOSED: 'You are no longer in this game.',
  OPTIONS_INVALID: 'That does not look like a code or an invite link.',
  REQUEST_INVALID: 'The server did not accept that.',
  PEER_CONNECT_FAILED: 'The host could not be reached, neither directly nor through the server.',
  PEER_CONNECT_TIMEOUT: 'The host did not answer.',
  PEER_UNVERIFIED: 'The host could not prove who it is. Do not join this game.',
  WEBRTC_UNAVAILABLE: 'This browser cannot open direct connections.',
};

export function inWords(error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined && words[code] !== undefined) return words[code];
  return error instanceof Error && error.message ? error.message : 'Something went wrong.';
}

/** The code of a `NetError`, whichever copy of the package threw it. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
