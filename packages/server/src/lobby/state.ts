import type { lobby, lobbyEvent, lobbyType, member } from '@partyline/protocol';
import type { z } from 'zod';

export type LobbyView = z.infer<typeof lobby>;
export type MemberView = z.infer<typeof member>;
export type LobbyEvent = z.infer<typeof lobbyEvent>;
export type LobbyType = z.infer<typeof lobbyType>;
export type StringMap = Readonly<Record<string, string>>;
export type StringPatch = Readonly<Record<string, string | null>>;

/** A seat, as stored. Nobody changes it in place. */
export interface Member {
  /** Unique among all members of the app on this server. */
  readonly id: number;
  readonly player: string;
  readonly name: string;
  readonly cert: string;
  readonly proof: 'key' | 'server';
  readonly capabilities: readonly string[];
  readonly data: StringMap;
  readonly ready: boolean;
  /** In the lobby's epoch: the owner is 1. */
  readonly peer: number;
  readonly session: string;
  /** Which of the session's sockets speaks for the seat; goes up with every resume. */
  readonly generation: number;
  /** Set while the session is dropped: the seat is held until then (milliseconds since 1970). */
  readonly heldUntilMs: number | undefined;
}

/** A lobby, as stored. `docs/states/lobby.md` draws what may happen to it. */
export interface LobbyState {
  readonly id: string;
  readonly code: string;
  readonly type: LobbyType;
  readonly name: string;
  readonly capacity: number;
  readonly joinable: boolean;
  readonly requireKey: boolean;
  readonly epoch: number;
  readonly revision: number;
  readonly owner: number;
  /** The next member's peer id in this epoch; none is given twice. */
  readonly nextPeer: number;
  readonly data: StringMap;
  /** In the order of joining. Never empty: a lobby without members does not exist. */
  readonly members: readonly Member[];
  /** Players kicked: they get `LOBBY_UNAVAILABLE` as long as the lobby lives. */
  readonly banned: readonly string[];
}

export function isConnected(member: Member): boolean {
  return member.heldUntilMs === undefined;
}

export function memberOf(state: LobbyState, id: number): Member | undefined {
  return state.members.find((member) => member.id === id);
}

export function viewOfMember(member: Member): MemberView {
  return {
    id: member.id,
    player: member.player,
    name: member.name,
    peer: member.peer,
    connected: isConnected(member),
    ready: member.ready,
    data: member.data,
    cert: member.cert,
    proof: member.proof,
    capabilities: [...member.capabilities],
  };
}

/** What members see: no session, no ban. */
export function viewOfLobby(state: LobbyState): LobbyView {
  return {
    id: state.id,
    code: state.code,
    type: state.type,
    name: state.name,
    capacity: state.capacity,
    joinable: state.joinable,
    requireKey: state.requireKey,
    epoch: state.epoch,
    revision: state.revision,
    owner: state.owner,
    data: state.data,
    members: state.members.map(viewOfMember),
  };
}
