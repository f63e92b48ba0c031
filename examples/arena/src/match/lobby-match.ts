import { type Lobby, type MultiplayerPeer, SERVER } from 'partyline';
import { ClientMatch } from './client-match.ts';
import { HostMatch } from './host-match.ts';
import type { Match, MatchHandlers } from './match.ts';
import { matchSchema } from './rpcs.ts';

/** `openPeer` of `partyline/browser` or `partyline/node`. */
export type OpenPeer = (
  lobby: Lobby,
  options: { readonly schema: string },
) => Promise<MultiplayerPeer>;

/** Lobby data: the epoch whose match the owner has opened. Others connect when it is the lobby's own. */
const PLAYING = 'playing';

/** Whether the owner of this epoch has opened the match. */
export function isPlaying(lobby: Pick<Lobby, 'data' | 'epoch'>): boolean {
  return lobby.data[PLAYING] === String(lobby.epoch);
}

/** Owner only: tells everybody, who is here and who joins later, that they can connect. */
export async function announcePlaying(lobby: Lobby): Promise<void> {
  await lobby.setData({ [PLAYING]: String(lobby.epoch) });
}

/** Opens this epoch's match: the owner's as its host, everybody else's as a client. Rejects as `openPeer` does. */
export async function openMatch(
  openPeer: OpenPeer,
  lobby: Lobby,
  handlers: MatchHandlers,
): Promise<Match> {
  const peer = await openPeer(lobby, { schema: matchSchema });
  if (peer.id !== SERVER) return new ClientMatch(peer, handlers, () => performance.now());
  return new HostMatch(peer, handlers, Math.floor(Math.random() * 2 ** 32));
}
