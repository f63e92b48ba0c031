import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type ConnectionState, connectionTransitions, nextConnectionState } from './index.ts';

// Object.keys forgets the type of the keys it lists.
const states = Object.keys(connectionTransitions) as ConnectionState[];
const pairs = states.flatMap((from) => states.map((to) => [from, to] as const));

test.each(pairs)('%s → %s: allowed or refused as the table says', (from, to) => {
  const move = (): ConnectionState => nextConnectionState(from, to);
  if (connectionTransitions[from].includes(to)) expect(move()).toBe(to);
  else expect(move).toThrow('a connection cannot go');
});

test('every state can still reach dead', () => {
  const reach = (
    from: ConnectionState,
    seen = new Set<ConnectionState>(),
  ): Set<ConnectionState> => {
    if (!seen.has(from)) {
      seen.add(from);
      for (const to of connectionTransitions[from]) reach(to, seen);
    }
    return seen;
  };
  for (const from of states) expect(reach(from)).toContain('dead');
});

test('docs/states/gns-connection.md draws exactly the table', () => {
  const page = readFileSync(
    new URL('../../../../docs/states/gns-connection.md', import.meta.url),
    'utf8',
  );
  const drawn = [...page.matchAll(/^ {2}(\w+) --> (\w+)/gm)].map(([, from, to]) => `${from} ${to}`);
  const table = pairs.filter(([from, to]) => connectionTransitions[from].includes(to));
  expect(drawn.sort()).toEqual(table.map((pair) => pair.join(' ')).sort());
});
