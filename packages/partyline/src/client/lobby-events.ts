import type { Emitter } from '../base/index.ts';
import type { MemberId } from '../signaling/index.ts';
import {
  type LeaveCause,
  type LobbyChange,
  type LobbyMember,
  type LobbyState,
  memberOf,
} from './lobby-state.ts';

/** Why a lobby ended for you. `unknown`: it happened while this client was away. */
export type LobbyCloseCode = LeaveCause | 'sessionEnded';

export type LobbyEvents = {
  memberJoined: { readonly member: LobbyMember };
  /** As the member was last. */
  memberLeft: { readonly member: LobbyMember; readonly cause: LeaveCause; readonly reason: string };
  /** The seat is held for a while (`session.seatHoldMs`). */
  memberDisconnected: { readonly member: LobbyMember };
  memberReconnected: { readonly member: LobbyMember };
  /** Everybody has a new `peer` number. */
  ownerChanged: { readonly owner: LobbyMember; readonly epoch: number };
  /** Key → new value, `null` for a deleted one. */
  dataChanged: { readonly changes: Readonly<Record<string, string | null>> };
  memberDataChanged: {
    readonly member: LobbyMember;
    readonly changes: Readonly<Record<string, string | null>>;
  };
  memberReadyChanged: { readonly member: LobbyMember; readonly ready: boolean };
  /** Type, name, capacity or joinable. */
  settingsChanged: undefined;
  /** Your own lines come back too. `atMs` is the server's clock, since 1970. */
  chatted: { readonly from: LobbyMember; readonly text: string; readonly atMs: number };
  /** The last event. `reason` is what the one who kicked gave, or the text of the error that ended the session. */
  closed: { readonly code: LobbyCloseCode; readonly reason: string };
};

/** One change between two states. */
export interface LobbyStep {
  readonly change: LobbyChange;
  readonly before: LobbyState;
  readonly after: LobbyState;
}

/** Says a change as the event that listeners know. */
export function announce(events: Emitter<LobbyEvents>, { change, before, after }: LobbyStep): void {
  if (change.type === 'dataChanged') {
    events.emit('dataChanged', { changes: change.set });
  } else if (change.type === 'settingsChanged') {
    events.emit('settingsChanged', undefined);
  } else if (change.type === 'ownerChanged') {
    const owner = memberOf(after, change.owner);
    if (owner) events.emit('ownerChanged', { owner, epoch: change.epoch });
  } else {
    announceMember(events, change, memberOf(after, idOf(change)) ?? memberOf(before, idOf(change)));
  }
}

type MemberChange = Extract<LobbyChange, { readonly member: unknown }>;

function idOf({ member }: MemberChange): MemberId {
  return typeof member === 'number' ? member : member.id;
}

function announceMember(
  events: Emitter<LobbyEvents>,
  change: MemberChange,
  member: LobbyMember | undefined,
): void {
  if (!member) return; // both states know every member that their change names
  switch (change.type) {
    case 'memberJoined':
    case 'memberDisconnected':
    case 'memberReconnected':
      events.emit(change.type, { member });
      break;
    case 'memberLeft':
      events.emit('memberLeft', { member, cause: change.cause, reason: change.reason });
      break;
    case 'memberDataChanged':
      events.emit('memberDataChanged', { member, changes: change.set });
      break;
    case 'memberReadyChanged':
      events.emit('memberReadyChanged', { member, ready: change.ready });
      break;
  }
}
