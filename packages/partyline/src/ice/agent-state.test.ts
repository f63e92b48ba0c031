import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type IceState, iceTransitions } from './agent-state.ts';

const states: readonly IceState[] = [
  'new',
  'checking',
  'connected',
  'disconnected',
  'failed',
  'closed',
];

test('docs/states/ice-agent.md draws the table, and every state reaches closed', () => {
  const url = new URL('../../../../docs/states/ice-agent.md', import.meta.url);
  const drawn = [...readFileSync(url, 'utf8').matchAll(/^ {2}(\w+) --> (\w+):/gm)].map(
    ([, from, to]) => `${from} ${to}`,
  );
  const moves = states.flatMap((from) => iceTransitions[from].map((to) => `${from} ${to}`));
  expect(drawn.toSorted()).toEqual(moves.toSorted());
  for (const state of states) {
    const reach = new Set<IceState>([state]);
    for (const from of reach) for (const to of iceTransitions[from]) reach.add(to);
    expect(reach).toContain('closed');
  }
});
