import { z } from 'zod';
import { limits } from './limits.ts';
import {
  capability,
  cert,
  dataKey,
  dataMap,
  dataPatch,
  dataValue,
  inviteToken,
  lobbyCode,
  lobbyId,
  memberId,
  peerId,
  playerId,
  playerName,
  reason,
  ticket,
} from './values.ts';

/** Steam's types: private is joined by code or invite only; public is listed; invisible is listed but not shown to friends. */
export const lobbyType = z.enum(['private', 'friendsOnly', 'public', 'invisible']);

export const member = z.object({
  id: memberId,
  player: playerId,
  name: playerName,
  /** In the current epoch: the owner is 1, others ≥ 2. */
  peer: peerId,
  connected: z.boolean(),
  ready: z.boolean(),
  data: dataMap,
  /** Certifies the member's session key; verify it before trusting a signature. */
  cert,
  /** `key`: proved a long-lived key. `server`: the server vouches (token login). */
  proof: z.enum(['key', 'server']),
  capabilities: z.array(capability).max(limits.capabilities),
});

export const lobby = z.object({
  id: lobbyId,
  code: lobbyCode,
  type: lobbyType,
  name: z.string().max(limits.lobbyNameLength),
  capacity: z.int().min(1).max(limits.lobbyCapacity),
  joinable: z.boolean(),
  /** Only members who proved a long-lived key. */
  requireKey: z.boolean(),
  /** Goes up with every change of owner; frames of another epoch are dropped. */
  epoch: z.int().min(1),
  /** Goes up by one with every change; a gap means: ask for `lobby.get`. */
  revision: z.int().min(1),
  owner: memberId,
  data: dataMap,
  members: z.array(member).max(limits.lobbyCapacity),
});

export const lobbyEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('memberJoined'), member }),
  z.object({
    type: z.literal('memberLeft'),
    member: memberId,
    /** `expired`: dropped and did not come back while the seat was held. */
    cause: z.enum(['left', 'kicked', 'expired', 'ended']),
    reason,
  }),
  z.object({ type: z.literal('memberDisconnected'), member: memberId }),
  z.object({
    type: z.literal('memberReconnected'),
    member: memberId,
    capabilities: z.array(capability),
  }),
  /** The new epoch's peer ids, all of them. */
  z.object({
    type: z.literal('ownerChanged'),
    owner: memberId,
    epoch: z.int().min(1),
    peers: z.array(z.object({ member: memberId, peer: peerId })),
  }),
  z.object({ type: z.literal('dataChanged'), set: dataPatch }),
  z.object({ type: z.literal('memberDataChanged'), member: memberId, set: dataPatch }),
  z.object({ type: z.literal('memberReadyChanged'), member: memberId, ready: z.boolean() }),
  z.object({
    type: z.literal('settingsChanged'),
    lobbyType,
    name: z.string().max(limits.lobbyNameLength),
    capacity: z.int().min(1).max(limits.lobbyCapacity),
    joinable: z.boolean(),
  }),
]);

/** The six comparisons of Steam's filters. Numeric ones compare the value as a number; without one it does not match. */
export const listFilter = z.discriminatedUnion('type', [
  z.object({ type: z.literal('string'), key: dataKey, op: z.enum(['eq', 'ne']), value: dataValue }),
  z.object({
    type: z.literal('number'),
    key: dataKey,
    op: z.enum(['lt', 'le', 'eq', 'ge', 'gt', 'ne']),
    value: z.number(),
  }),
  /** Sorts, does not exclude: nearest value first. */
  z.object({ type: z.literal('near'), key: dataKey, value: z.number() }),
  z.object({ type: z.literal('slots'), atLeast: z.int().min(1).max(limits.lobbyCapacity) }),
]);

export const lobbySummary = lobby
  .pick({ id: true, code: true, name: true, capacity: true, data: true })
  .extend({ members: z.int().min(0), ownerName: playerName });

const inLobby = z.object({ lobby: lobbyId });
const joined = z.object({ lobby, you: memberId });

/** name → what is sent and what comes back. */
export const lobbyMethods = {
  'lobby.create': {
    params: z.object({
      type: lobbyType.default('private'),
      name: z.string().max(limits.lobbyNameLength).default(''),
      capacity: z.int().min(1).max(limits.lobbyCapacity).default(limits.lobbyCapacityDefault),
      joinable: z.boolean().default(true),
      requireKey: z.boolean().default(false),
      data: dataMap.default({}),
      memberData: dataMap.default({}),
      capabilities: z.array(capability).max(limits.capabilities).default([]),
    }),
    result: joined,
  },
  'lobby.join': {
    params: z.object({
      by: z.discriminatedUnion('type', [
        z.object({ type: z.literal('id'), id: lobbyId }),
        z.object({ type: z.literal('code'), code: lobbyCode }),
        z.object({ type: z.literal('invite'), token: inviteToken }),
      ]),
      memberData: dataMap.default({}),
      capabilities: z.array(capability).max(limits.capabilities).default([]),
    }),
    result: joined,
  },
  'lobby.leave': { params: inLobby, result: z.object({}) },
  'lobby.get': { params: inLobby, result: z.object({ lobby }) },
  'lobby.list': {
    params: z.object({
      filters: z.array(listFilter).max(limits.listFilters).default([]),
      limit: z.int().min(1).max(limits.listResults).default(limits.listResultsDefault),
    }),
    result: z.object({ lobbies: z.array(lobbySummary) }),
  },
  'lobby.setData': { params: inLobby.extend({ set: dataPatch }), result: z.object({}) },
  'lobby.setMemberData': { params: inLobby.extend({ set: dataPatch }), result: z.object({}) },
  'lobby.setReady': { params: inLobby.extend({ ready: z.boolean() }), result: z.object({}) },
  'lobby.setSettings': {
    params: inLobby.extend({
      type: lobbyType.optional(),
      name: z.string().max(limits.lobbyNameLength).optional(),
      capacity: z.int().min(1).max(limits.lobbyCapacity).optional(),
      joinable: z.boolean().optional(),
    }),
    result: z.object({}),
  },
  'lobby.setOwner': { params: inLobby.extend({ member: memberId }), result: z.object({}) },
  'lobby.kick': {
    params: inLobby.extend({ member: memberId, reason: reason.default('') }),
    result: z.object({}),
  },
  'lobby.chat': {
    params: inLobby.extend({ text: z.string().min(1).max(limits.chatLength) }),
    result: z.object({}),
  },
  /** A token for one join; any member may make one. */
  'lobby.invite': {
    params: inLobby,
    result: z.object({ token: inviteToken, expiresInMs: z.int() }),
  },
  /** Opens the relay wire: present the ticket as the second WebSocket subprotocol of `/v1/relay`. Single use, 30 s. */
  'lobby.relayTicket': { params: inLobby, result: z.object({ ticket }) },
} as const;

export const lobbyNotifications = {
  /** One change; `revision` is the lobby's after it. */
  'lobby.changed': inLobby.extend({ revision: z.int(), events: z.array(lobbyEvent).min(1) }),
  /** Not stored, no revision. */
  'lobby.chatted': inLobby.extend({ from: memberId, text: z.string(), atMs: z.number() }),
} as const;
