import { limits } from '@partyline/protocol';
import type { Refusal } from '../base/index.ts';
import type { Candidate } from './commands.ts';
import { memberDataRefusal, patched, withMember } from './content-rules.ts';
import {
  isConnected,
  type LobbyEvent,
  type LobbyState,
  type Member,
  memberOf,
  viewOfMember,
} from './state.ts';

/** The rules of seats: who takes one, who keeps it, who is the owner. Those of `rules.ts` call them. */
interface Outcome {
  readonly state: LobbyState | undefined;
  readonly events: readonly LobbyEvent[];
}

/** Missing, full, locked, private, banned: one answer, so that codes and ids cannot be probed. */
export const unavailable: Refusal = {
  code: 'LOBBY_UNAVAILABLE',
  message: 'there is no such lobby, or it is full, locked or not open to you',
};

export function seatTaken(
  state: LobbyState,
  via: 'id' | 'code' | 'invite',
  who: Candidate,
): Outcome | Refusal {
  const own = state.members.find((member) => member.player === who.player);
  if (own && isConnected(own)) {
    return { code: 'LOBBY_ALREADY_MEMBER', message: 'you are in this lobby already' };
  }
  if (state.banned.includes(who.player)) return unavailable;
  // Who has a held seat was let in before: a full or locked lobby still knows him.
  if (!own && !isOpenTo(state, via, who)) return unavailable;
  const refusal = memberDataRefusal(who.data);
  if (refusal) return refusal;
  const freed = own ? without(state, own.id) : state;
  const member = newMember(who, state.nextPeer);
  const seated = { ...freed, nextPeer: state.nextPeer + 1, members: [...freed.members, member] };
  const left: LobbyEvent[] = own
    ? [{ type: 'memberLeft', member: own.id, cause: 'expired', reason: '' }]
    : [];
  return withConnectedOwner(seated, [
    ...left,
    { type: 'memberJoined', member: viewOfMember(member) },
  ]);
}

/** Field by field: spreads of the candidate were a tenth of a create. */
export function newMember(who: Candidate, peer: number): Member {
  return {
    id: who.id,
    player: who.player,
    name: who.name,
    cert: who.cert,
    proof: who.proof,
    capabilities: who.capabilities,
    data: patched({}, who.data),
    ready: false,
    peer,
    session: who.session,
    generation: who.generation,
    heldUntilMs: undefined,
  };
}

function isOpenTo(state: LobbyState, via: 'id' | 'code' | 'invite', who: Candidate): boolean {
  if (!state.joinable || state.members.length >= state.capacity) return false;
  if (state.requireKey && who.proof !== 'key') return false;
  return via !== 'id' || state.type === 'public' || state.type === 'invisible';
}

/** An explicit leave, a kick, or the end of a held seat: the seat is free at once. */
export function removeMember(
  state: LobbyState,
  member: Member,
  cause: 'left' | 'kicked' | 'expired',
  reason: string,
): Outcome {
  const events: LobbyEvent[] = [{ type: 'memberLeft', member: member.id, cause, reason }];
  const rest = without(state, member.id);
  return rest.members.length === 0
    ? { state: undefined, events }
    : withConnectedOwner(rest, events);
}

/** A dropped socket: the seat is held, the ownership passes on if somebody is there to take it. */
export function seatDropped(
  state: LobbyState,
  member: Member,
  generation: number,
  heldUntilMs: number,
): Outcome {
  // A newer socket of the session speaks for the seat already.
  if (!isConnected(member) || member.generation !== generation) return { state, events: [] };
  const held = withMember(state, { ...member, heldUntilMs });
  return withConnectedOwner(held, [{ type: 'memberDisconnected', member: member.id }]);
}

/**
 * The session came back on another socket. If the old one was not seen to drop, it drops now: what
 * played on it is gone, so the others must see it go.
 */
export function seatReturned(state: LobbyState, member: Member, generation: number): Outcome {
  if (generation <= member.generation) return { state, events: [] };
  const dropped = seatDropped(state, member, member.generation, Number.MAX_SAFE_INTEGER);
  const held = dropped.state ?? state;
  const now = memberOf(held, member.id) ?? member;
  const back = withMember(held, { ...now, generation, heldUntilMs: undefined });
  return withConnectedOwner(back, [
    ...dropped.events,
    {
      type: 'memberReconnected',
      member: member.id,
      capabilities: [...member.capabilities],
    },
  ]);
}

/** Frees every seat that was held too long, in one change. */
export function expire(state: LobbyState, nowMs: number): Outcome {
  const over = state.members.filter(({ heldUntilMs }) => (heldUntilMs ?? Infinity) <= nowMs);
  if (over.length === 0) return { state, events: [] };
  const members = state.members.filter((member) => !over.includes(member));
  const events = over.map(
    ({ id }): LobbyEvent => ({ type: 'memberLeft', member: id, cause: 'expired', reason: '' }),
  );
  if (members.length === 0) return { state: undefined, events };
  return withConnectedOwner({ ...state, members }, events);
}

/** When {@link expire} next has something to do (milliseconds since 1970). */
export function nextExpiryMs(state: LobbyState): number | undefined {
  const times = state.members.flatMap(({ heldUntilMs }) => heldUntilMs ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** A new owner is a new epoch: everybody gets a new peer id, all told in one event. */
export function passOwnership(state: LobbyState, owner: number): Outcome & { state: LobbyState } {
  let nextPeer = 2;
  const members = state.members.map((member) => ({
    ...member,
    peer: member.id === owner ? 1 : nextPeer++,
  }));
  const epoch = state.epoch + 1;
  const peers = members.map(({ id, peer }) => ({ member: id, peer }));
  return {
    state: { ...state, owner, epoch, nextPeer, members },
    events: [{ type: 'ownerChanged', owner, epoch, peers }],
  };
}

/** Keeps the rule: the owner is a member, and connected whenever anybody is. The longest seated inherits. */
function withConnectedOwner(state: LobbyState, events: readonly LobbyEvent[]): Outcome {
  const owner = memberOf(state, state.owner);
  const heir = state.members.find(isConnected) ?? state.members[0];
  if (!heir || (owner && (isConnected(owner) || !isConnected(heir)))) return { state, events };
  const passed = passOwnership(state, heir.id);
  return { state: passed.state, events: [...events, ...passed.events] };
}

export function banned(state: LobbyState, player: string): LobbyState {
  return { ...state, banned: [...state.banned, player].slice(-limits.bansPerLobby) };
}

function without(state: LobbyState, id: number): LobbyState {
  return { ...state, members: state.members.filter((member) => member.id !== id) };
}
