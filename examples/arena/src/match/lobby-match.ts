import type { Lobby } from 'partyline';

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
