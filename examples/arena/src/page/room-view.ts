import { type Lobby, type LobbyMember, SERVER } from 'partyline';
import { leader, ranking, rules, type Ship } from '../game/index.ts';
import type { LinkStats, Match } from '../match/match.ts';
import { shipColor } from './palette.ts';
import type { PlayerRow } from './player-table.ts';
import type { Overlay, RoomView } from './room-screen.ts';

/** Everything beside and over the canvas, from what lobby and match are now. */
export function roomView(
  lobby: Lobby,
  match: Match | undefined,
  overlay: Overlay | undefined,
): RoomView {
  const latest = match?.history.latest;
  return {
    code: lobby.code,
    link: lobby.inviteLink(),
    isPublic: lobby.type === 'public',
    players: rows(lobby, match, latest?.ships ?? []),
    overlay,
    clock: latest && {
      seconds: latest.phaseTicksLeft / rules.ticksPerSecond,
      phase: latest.phase,
    },
    banner:
      match && latest?.phase === 'pause' ? winnerText(lobby, latest.ships, match.self) : undefined,
  };
}

export function memberOfPeer(lobby: Lobby, peer: number): LobbyMember | undefined {
  return lobby.members.find((member) => member.peer === peer);
}

/** Of the member's ship; `undefined` while it has none. */
export function colorOf(member: LobbyMember, match: Match | undefined): string | undefined {
  const ship = match?.history.latest?.ships.find(({ id }) => id === member.peer);
  return ship && shipColor(ship.color);
}

/** How a player reaches the host, as this page knows it; `undefined` for the host itself. */
export function linkToHost(member: LobbyMember, match: Match | undefined): LinkStats | undefined {
  if (member.peer === SERVER) return undefined;
  return match?.link(member.peer === match.self ? SERVER : member.peer);
}

function rows(lobby: Lobby, match: Match | undefined, ships: readonly Ship[]): PlayerRow[] {
  const order = new Map(ranking(ships).map((ship, index) => [ship.id, index]));
  const place = (member: LobbyMember): number => order.get(member.peer) ?? ships.length;
  return [...lobby.members]
    .sort((a, b) => place(a) - place(b))
    .map((member) => {
      const isYou = member.id === lobby.me.id;
      const link = linkToHost(member, match);
      return {
        member: member.id,
        name: member.name,
        color: colorOf(member, match),
        score: ships.find((ship) => ship.id === member.peer)?.score,
        isYou,
        isHost: member.id === lobby.owner.id,
        connected: member.connected,
        wire: link?.wire,
        pingMs: link?.pingMs,
        canKick: lobby.isOwner && !isYou,
      };
    });
}

function winnerText(lobby: Lobby, ships: readonly Ship[], self: number): string {
  const winner = leader(ships);
  if (!winner) return 'A draw!';
  const name = memberOfPeer(lobby, winner.id)?.name ?? 'Somebody';
  const gems = `${winner.score} gem${winner.score === 1 ? '' : 's'}`;
  return winner.id === self ? `You win with ${gems}` : `${name} wins with ${gems}`;
}
