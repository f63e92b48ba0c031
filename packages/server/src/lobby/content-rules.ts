import { limits } from '@partyline/protocol';
import type { Refusal } from '../base/index.ts';
import type { LobbyCommand } from './commands.ts';
import type { LobbyEvent, LobbyState, Member, StringMap, StringPatch } from './state.ts';

/** The rules of what a lobby says: data, readiness, settings. */
interface Outcome {
  readonly state: LobbyState;
  readonly events: readonly LobbyEvent[];
}

export function setData(state: LobbyState, set: StringPatch): Outcome | Refusal {
  const change = effective(state.data, set);
  if (!change) return { state, events: [] };
  const data = patched(state.data, change);
  return (
    dataRefusal(data) ?? {
      state: { ...state, data },
      events: [{ type: 'dataChanged', set: { ...change } }],
    }
  );
}

export function setMemberData(state: LobbyState, by: Member, set: StringPatch): Outcome | Refusal {
  const change = effective(by.data, set);
  if (!change) return { state, events: [] };
  const data = patched(by.data, change);
  return (
    memberDataRefusal(data) ?? {
      state: withMember(state, { ...by, data }),
      events: [{ type: 'memberDataChanged', member: by.id, set: { ...change } }],
    }
  );
}

export function setReady(state: LobbyState, by: Member, ready: boolean): Outcome {
  if (by.ready === ready) return { state, events: [] };
  return {
    state: withMember(state, { ...by, ready }),
    events: [{ type: 'memberReadyChanged', member: by.id, ready }],
  };
}

export function setSettings(
  state: LobbyState,
  command: Extract<LobbyCommand, { type: 'setSettings' }>,
): Outcome | Refusal {
  const next = {
    type: command.lobbyType ?? state.type,
    name: command.name ?? state.name,
    capacity: command.capacity ?? state.capacity,
    joinable: command.joinable ?? state.joinable,
  };
  if (next.capacity < state.members.length) {
    return {
      code: 'LOBBY_LIMIT',
      message: `capacity cannot be under the ${state.members.length} seats taken`,
    };
  }
  const same =
    next.type === state.type &&
    next.name === state.name &&
    next.capacity === state.capacity &&
    next.joinable === state.joinable;
  if (same) return { state, events: [] };
  const { type: lobbyType, ...rest } = next;
  return {
    state: { ...state, ...next },
    events: [{ type: 'settingsChanged', lobbyType, ...rest }],
  };
}

/** Why this cannot be a lobby's data. */
export function dataRefusal(data: StringMap): Refusal | undefined {
  return mapRefusal(data, limits.dataKeys, limits.dataTotalLength, 'lobby data');
}

/** Why this cannot be a member's data. */
export function memberDataRefusal(data: StringMap): Refusal | undefined {
  return mapRefusal(data, limits.memberDataKeys, limits.memberDataTotalLength, 'member data');
}

function mapRefusal(
  data: StringMap,
  maxKeys: number,
  maxLength: number,
  what: string,
): Refusal | undefined {
  if (isEmpty(data)) return undefined;
  const entries = Object.entries(data);
  if (entries.length > maxKeys) {
    return { code: 'LOBBY_LIMIT', message: `${what} can have ${maxKeys} keys` };
  }
  const length = entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  return length > maxLength
    ? { code: 'LOBBY_LIMIT', message: `${what} can have ${maxLength} characters in all` }
    : undefined;
}

/** `null` deletes. `Object.fromEntries` defines keys, so that no key can reach a prototype. */
export function patched(data: StringMap, set: StringPatch): StringMap {
  if (isEmpty(set)) return data;
  const next = new Map(Object.entries(data));
  for (const [key, value] of Object.entries(set)) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  return Object.fromEntries(next);
}

function isEmpty(map: StringPatch): boolean {
  for (const key in map) if (Object.hasOwn(map, key)) return false;
  return true;
}

/** The part of a patch that changes something. */
function effective(data: StringMap, set: StringPatch): StringPatch | undefined {
  const changes = Object.entries(set).filter(([key, value]) =>
    value === null ? Object.hasOwn(data, key) : !Object.hasOwn(data, key) || data[key] !== value,
  );
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

export function withMember(state: LobbyState, member: Member): LobbyState {
  return {
    ...state,
    members: state.members.map((other) => (other.id === member.id ? member : other)),
  };
}
