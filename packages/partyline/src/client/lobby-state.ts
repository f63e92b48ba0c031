import { NetError } from '../base/index.ts';
import type { MemberId } from '../signaling/index.ts';
import type { LobbyEvent, Lobby as WireLobby, Member as WireMember } from './generated/protocol.ts';

/** A member as of now; a change gives a new object. */
export interface LobbyMember {
  /** Stable for this lobby; 32 bits. */
  readonly id: MemberId;
  /** The player's id, the same in every lobby of the app. */
  readonly player: string;
  readonly name: string;
  /** The number in `MultiplayerPeer`, good for this epoch: the owner has 1. */
  readonly peer: number;
  /** False while the seat is held for somebody who dropped. */
  readonly connected: boolean;
  readonly ready: boolean;
  readonly data: Readonly<Record<string, string>>;
  /** Certifies the session key, base64url; `Lobby.identityOf` verifies it. */
  readonly cert: string;
  /** `key`: proved a long-lived key. `server`: the server vouches (token login). */
  readonly proof: 'key' | 'server';
  /** The wires this member can open, such as `webrtc` and `relay`. */
  readonly capabilities: readonly string[];
}
/** Everything the server says of a lobby, as of one revision. Never changed in place. */
export type LobbyState = WireLobby;

/** Why a member is gone. `unknown`: it happened while this client was away. */
export type LeaveCause = Extract<LobbyEvent, { type: 'memberLeft' }>['cause'] | 'unknown';

/** What the server announces, and what a client that was away works out for itself. */
export type LobbyChange =
  | Exclude<LobbyEvent, { type: 'memberLeft' }>
  | {
      readonly type: 'memberLeft';
      readonly member: MemberId;
      readonly cause: LeaveCause;
      readonly reason: string;
    };

/** @throws NetError `SERVER_MESSAGE_INVALID` when the owner or `you` is not among the members */
export function adoptLobbyState(lobby: WireLobby, you: MemberId): LobbyState {
  const state = { ...lobby, data: ownKeys(lobby.data), members: lobby.members.map(adoptMember) };
  if (!memberOf(state, you) || !memberOf(state, lobby.owner)) {
    throw new NetError('SERVER_MESSAGE_INVALID', 'a lobby without its owner or without you');
  }
  return state;
}

export function memberOf(state: LobbyState, id: MemberId): LobbyMember | undefined {
  return state.members.find((member) => member.id === id);
}

/** The state after one change, or `undefined` when the change does not fit: then it is time for `lobby.get`. */
export function applyChange(state: LobbyState, change: LobbyChange): LobbyState | undefined {
  switch (change.type) {
    case 'memberJoined':
      if (memberOf(state, change.member.id)) return undefined;
      return { ...state, members: [...state.members, adoptMember(change.member)] };
    case 'memberLeft':
      if (!memberOf(state, change.member)) return undefined;
      return { ...state, members: state.members.filter(({ id }) => id !== change.member) };
    case 'memberDisconnected':
      return withMember(state, change.member, () => ({ connected: false }));
    case 'memberReconnected':
      return withMember(state, change.member, () => ({
        connected: true,
        capabilities: change.capabilities,
      }));
    case 'ownerChanged':
      return withOwner(state, change);
    case 'dataChanged':
      return { ...state, data: patched(state.data, change.set) };
    case 'memberDataChanged':
      return withMember(state, change.member, ({ data }) => ({ data: patched(data, change.set) }));
    case 'memberReadyChanged':
      return withMember(state, change.member, () => ({ ready: change.ready }));
    case 'settingsChanged': {
      const { lobbyType, name, capacity, joinable } = change;
      return { ...state, type: lobbyType, name, capacity, joinable };
    }
  }
}

/** What happened between two states of one lobby: those who left first, the owner after those who came. */
export function changesBetween(before: LobbyState, after: LobbyState): LobbyChange[] {
  const changes: LobbyChange[] = [];
  for (const { id } of before.members) {
    if (!memberOf(after, id)) {
      changes.push({ type: 'memberLeft', member: id, cause: 'unknown', reason: '' });
    }
  }
  for (const member of after.members) {
    const known = memberOf(before, member.id);
    if (!known) changes.push({ type: 'memberJoined', member });
    else changes.push(...memberChanges(known, member));
  }
  if (before.owner !== after.owner || before.epoch !== after.epoch) {
    const peers = after.members.map(({ id, peer }) => ({ member: id, peer }));
    changes.push({ type: 'ownerChanged', owner: after.owner, epoch: after.epoch, peers });
  }
  const set = patchBetween(before.data, after.data);
  if (set) changes.push({ type: 'dataChanged', set });
  const { type: lobbyType, name, capacity, joinable } = after;
  if (
    lobbyType !== before.type ||
    name !== before.name ||
    capacity !== before.capacity ||
    joinable !== before.joinable
  ) {
    changes.push({ type: 'settingsChanged', lobbyType, name, capacity, joinable });
  }
  return changes;
}

function memberChanges(before: LobbyMember, after: LobbyMember): LobbyChange[] {
  const { id: member, ready, capabilities } = after;
  const changes: LobbyChange[] = [];
  if (before.connected && !after.connected) changes.push({ type: 'memberDisconnected', member });
  if (!before.connected && after.connected) {
    changes.push({ type: 'memberReconnected', member, capabilities });
  }
  const set = patchBetween(before.data, after.data);
  if (set) changes.push({ type: 'memberDataChanged', member, set });
  if (before.ready !== ready) changes.push({ type: 'memberReadyChanged', member, ready });
  return changes;
}

function withMember(
  state: LobbyState,
  id: MemberId,
  change: (member: LobbyMember) => Partial<LobbyMember>,
): LobbyState | undefined {
  if (!memberOf(state, id)) return undefined;
  const members = state.members.map((member) =>
    member.id === id ? { ...member, ...change(member) } : member,
  );
  return { ...state, members };
}

function withOwner(
  state: LobbyState,
  { owner, epoch, peers }: Extract<LobbyChange, { type: 'ownerChanged' }>,
): LobbyState | undefined {
  const peerOf = new Map(peers.map(({ member, peer }) => [member, peer]));
  if (!memberOf(state, owner) || state.members.some(({ id }) => !peerOf.has(id))) return undefined;
  const members = state.members.map((member) => ({
    ...member,
    peer: peerOf.get(member.id) ?? member.peer,
  }));
  return { ...state, owner, epoch, members };
}

function adoptMember(member: WireMember): LobbyMember {
  return { ...member, data: ownKeys(member.data) };
}

/** Without a prototype, so that a key called `constructor` is absent until somebody sets it. */
function ownKeys<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  // One for all that are empty, which most are: such objects are hash tables, of 300 bytes each.
  return Object.keys(record).length > 0 ? Object.assign(Object.create(null), record) : noKeys;
}

const noKeys: Readonly<Record<string, never>> = Object.freeze(Object.create(null));

function patched(
  values: Readonly<Record<string, string>>,
  set: Readonly<Record<string, string | null>>,
): Readonly<Record<string, string>> {
  const next = { ...ownKeys<string | null>(values), ...set };
  return ownKeys(
    Object.fromEntries(
      Object.entries(next).filter((entry): entry is [string, string] => entry[1] !== null),
    ),
  );
}

function patchBetween(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Readonly<Record<string, string | null>> | undefined {
  const set: Record<string, string | null> = Object.create(null);
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) set[key] = null;
  for (const [key, value] of Object.entries(after)) if (before[key] !== value) set[key] = value;
  return Object.keys(set).length > 0 ? set : undefined;
}
