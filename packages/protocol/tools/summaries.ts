import type { MethodName, NotificationName } from '../src/index.ts';

/** One sentence for each line of the reference page; the compiler sees to it that none is missing. */
export const summaries: Readonly<Record<MethodName | NotificationName, string>> = {
  'session.challenge':
    'Asks for another nonce after that of `session.challenged` was used or grew old; it replaces an unused one. Good once, for 30 s, for this app.',
  'session.loginGuest': 'Logs in with a key of the player: the id is made from the key.',
  'session.loginToken': 'Logs in with a token of an issuer that the app trusts (JWT).',
  'session.resume':
    'Comes back into a session after a drop or a reload: needs the single-use token and the session key. An older socket of that session is told `SESSION_REPLACED`.',
  'session.iceServers': 'A TURN credential of this session, and where to use it',
  'session.logout': 'Ends the session: leaves every lobby, frees every seat.',
  'session.ping': 'Shows that both sides live, and what time it is at the server.',
  'lobby.create': 'Makes a lobby; you are its owner and first member.',
  'lobby.join':
    'Takes a seat by id, code or invite. Missing, full, locked and private all give `LOBBY_UNAVAILABLE`.',
  'lobby.leave': 'Frees the seat at once.',
  'lobby.get': 'The whole state: for a client that missed a revision.',
  'lobby.list': 'Public lobbies that match every filter.',
  'lobby.setData': 'Owner only: changes keys of the lobby.',
  'lobby.setMemberData': 'Changes your own keys.',
  'lobby.setReady': 'Says that you are ready, or not.',
  'lobby.setSettings': 'Owner only: type, name, capacity, joinable.',
  'lobby.setOwner': 'Owner only: hands the lobby to a connected member.',
  'lobby.kick': 'Owner only: removes a member, who is told the reason.',
  'lobby.chat': 'Says a line to all members, yourself included.',
  'lobby.invite': 'Makes a token for one join; any member may.',
  'lobby.relayTicket': 'Makes the ticket that opens the relay socket: single use, 30 s.',
  'session.challenged':
    'The first message on a socket: the nonce that the login or resume must sign; good once, for 30 s, for any app.',
  'session.ended': 'The last message on a socket: why the session is over for it.',
  'lobby.changed':
    'One change of a lobby. `revision` goes up by one each time; after a gap ask for `lobby.get`.',
  'lobby.chatted': 'A chat line. Not stored, no revision.',
};
