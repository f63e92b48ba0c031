import type { Refusal } from '../base/index.ts';
import type { CreateCommand, LobbyCommand } from './commands.ts';
import {
  dataRefusal,
  memberDataRefusal,
  patched,
  setData,
  setMemberData,
  setReady,
  setSettings,
} from './content-rules.ts';
import {
  banned,
  expire,
  newMember,
  passOwnership,
  removeMember,
  seatDropped,
  seatReturned,
  seatTaken,
} from './seat-rules.ts';
import { isConnected, type LobbyEvent, type LobbyState, memberOf } from './state.ts';

/** What a command came to. Without events nothing changed; without a state the lobby is gone. */
export interface Outcome {
  readonly state: LobbyState | undefined;
  readonly events: readonly LobbyEvent[];
}

export type Ruling = Outcome | Refusal;

export function isRefusal(ruling: LobbyState | Ruling): ruling is Refusal {
  return 'code' in ruling && 'message' in ruling;
}

/** Why this lobby cannot be: to be asked before a code is taken for it. */
export function createRefusal({
  requireKey,
  owner,
  data,
}: Pick<CreateCommand, 'requireKey' | 'owner' | 'data'>): Refusal | undefined {
  const refusal = dataRefusal(data) ?? memberDataRefusal(owner.data);
  if (refusal) return refusal;
  return requireKey && owner.proof !== 'key'
    ? { code: 'LOBBY_UNAVAILABLE', message: 'this lobby takes only players with a key' }
    : undefined;
}

export function createLobby(command: CreateCommand): LobbyState | Refusal {
  const { id, code, type, name, capacity, joinable, requireKey, owner } = command;
  const refusal = createRefusal(command);
  if (refusal) return refusal;
  return {
    id,
    code,
    type,
    name,
    capacity,
    joinable,
    requireKey,
    data: patched({}, command.data),
    epoch: 1,
    revision: 1,
    owner: owner.id,
    nextPeer: 2,
    members: [newMember(owner, 1)],
    banned: [],
  };
}

/**
 * The rules of a lobby, all of them: what a command does to a state at a time, or why it is refused.
 * Pure; `revision` goes up by one exactly when there are events.
 */
export function applyCommand(state: LobbyState, command: LobbyCommand, nowMs: number): Ruling {
  const ruling = rule(state, command, nowMs);
  if (isRefusal(ruling) || ruling.events.length === 0 || !ruling.state) return ruling;
  return { ...ruling, state: { ...ruling.state, revision: state.revision + 1 } };
}

function rule(state: LobbyState, command: LobbyCommand, nowMs: number): Ruling {
  if (command.type === 'expire') return expire(state, nowMs);
  if (command.type === 'join') return seatTaken(state, command.via, command.who);
  const by = memberOf(state, command.by);
  if (!by) return { code: 'LOBBY_NOT_MEMBER', message: 'you are not in this lobby' };
  switch (command.type) {
    case 'leave':
      return removeMember(state, by, 'left', '');
    case 'end':
      return removeMember(state, by, 'expired', '');
    case 'drop':
      return seatDropped(state, by, command.generation, nowMs + command.holdMs);
    case 'return':
      return seatReturned(state, by, command.generation);
    case 'setMemberData':
      return setMemberData(state, by, command.set);
    case 'setReady':
      return setReady(state, by, command.ready);
    default:
      return state.owner === by.id
        ? ownerRule(state, command)
        : { code: 'LOBBY_NOT_OWNER', message: 'only the owner of the lobby may do this' };
  }
}

type OwnerCommand = Extract<
  LobbyCommand,
  { type: 'setData' | 'setSettings' | 'setOwner' | 'kick' }
>;

function ownerRule(state: LobbyState, command: OwnerCommand): Ruling {
  switch (command.type) {
    case 'setData':
      return setData(state, command.set);
    case 'setSettings':
      return setSettings(state, command);
    case 'setOwner':
      return setOwner(state, command.member);
    case 'kick':
      return kick(state, command.member, command.reason);
  }
}

function setOwner(state: LobbyState, id: number): Ruling {
  const next = memberOf(state, id);
  if (!next) return { code: 'LOBBY_MEMBER_UNKNOWN', message: 'no such member in this lobby' };
  if (!isConnected(next)) {
    return { code: 'LOBBY_MEMBER_UNKNOWN', message: 'this member is not connected now' };
  }
  if (next.id === state.owner) return { state, events: [] };
  return passOwnership(state, next.id);
}

function kick(state: LobbyState, id: number, reason: string): Ruling {
  const member = memberOf(state, id);
  if (!member) return { code: 'LOBBY_MEMBER_UNKNOWN', message: 'no such member in this lobby' };
  if (member.id === state.owner) {
    return { code: 'REQUEST_INVALID', message: 'the owner cannot kick itself; use lobby.leave' };
  }
  return removeMember(banned(state, member.player), member, 'kicked', reason);
}
