/** Where a server's own WebSocket carrier of TURN is; docs/wire/turn.md, «Over a WebSocket». */
export const TURN_WEB_SOCKET_PATH = '/v1/turn';
/** What the client offers there, and the server chooses. */
export const TURN_SUBPROTOCOL = 'partyline.turn.v1';
