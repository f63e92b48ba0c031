import type { listFilter, lobbySummary } from '@partyline/protocol';
import type { z } from 'zod';
import { type LobbyState, memberOf } from './state.ts';

export type LobbySummary = z.infer<typeof lobbySummary>;
export type ListFilter = z.infer<typeof listFilter>;

/** What a list shows of a lobby; `undefined` for one that no list shows: not public, locked or full. */
export function summaryOf(state: LobbyState): LobbySummary | undefined {
  const isListed = state.type === 'public' || state.type === 'invisible';
  if (!isListed || !state.joinable || state.members.length >= state.capacity) return undefined;
  return {
    id: state.id,
    code: state.code,
    name: state.name,
    capacity: state.capacity,
    data: state.data,
    members: state.members.length,
    ownerName: memberOf(state, state.owner)?.name ?? '',
  };
}

/** Those that pass every filter, nearest first (the first `near` filter counts most), at most `limit`. */
export function selectLobbies(
  all: Iterable<LobbySummary>,
  filters: readonly ListFilter[],
  limit: number,
): LobbySummary[] {
  const tests = filters.filter((filter) => filter.type !== 'near');
  const nears = filters.filter((filter) => filter.type === 'near');
  const found: LobbySummary[] = [];
  for (const lobby of all) {
    if (tests.every((filter) => passes(lobby, filter))) found.push(lobby);
    if (nears.length === 0 && found.length === limit) break;
  }
  if (nears.length === 0) return found;
  return found
    .map((lobby) => ({ lobby, distances: nears.map((near) => distance(lobby, near)) }))
    .sort((a, b) => compare(a.distances, b.distances))
    .slice(0, limit)
    .map(({ lobby }) => lobby);
}

function passes(lobby: LobbySummary, filter: Exclude<ListFilter, { type: 'near' }>): boolean {
  switch (filter.type) {
    case 'slots':
      return lobby.capacity - lobby.members >= filter.atLeast;
    case 'string':
      return (textOf(lobby, filter.key) === filter.value) === (filter.op === 'eq');
    case 'number': {
      const value = numberOf(lobby, filter.key);
      return value !== undefined && comparisons[filter.op](value, filter.value);
    }
  }
}

const comparisons = {
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  eq: (a, b) => a === b,
  ge: (a, b) => a >= b,
  gt: (a, b) => a > b,
  ne: (a, b) => a !== b,
} as const satisfies Record<string, (a: number, b: number) => boolean>;

function distance(lobby: LobbySummary, near: Extract<ListFilter, { type: 'near' }>): number {
  const value = numberOf(lobby, near.key);
  return value === undefined ? Number.POSITIVE_INFINITY : Math.abs(value - near.value);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? left;
    if (left !== right) return left - right; // never Infinity - Infinity: those are equal
  }
  return 0;
}

function textOf(lobby: LobbySummary, key: string): string | undefined {
  return Object.hasOwn(lobby.data, key) ? lobby.data[key] : undefined;
}

/** The value as a decimal number; nothing else counts as one (not '', not '0x10'). */
function numberOf(lobby: LobbySummary, key: string): number | undefined {
  const value = textOf(lobby, key);
  return value !== undefined && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)
    ? Number(value)
    : undefined;
}
