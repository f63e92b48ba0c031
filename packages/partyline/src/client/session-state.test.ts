import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nextSessionState, type SessionState, sessionTransitions } from './session-state.ts';

const states = Object.keys(sessionTransitions) as SessionState[]; // keys of a Record by SessionState

test.each(states.flatMap((from) => states.map((to) => [from, to] as const)))(
  '%s → %s: allowed or refused as the table says',
  (from, to) => {
    if (sessionTransitions[from].includes(to)) expect(nextSessionState(from, to)).toBe(to);
    else expect(() => nextSessionState(from, to)).toThrow('cannot go from');
  },
);

test('docs/states/session.md draws the table', () => {
  const page = readFileSync(new URL('../../../../docs/states/session.md', import.meta.url), 'utf8');
  const drawn = [...page.matchAll(/^ {2}(\w+) --> (\w+)/gm)].map(([, from, to]) => `${from} ${to}`);
  const table = states.flatMap((from) => sessionTransitions[from].map((to) => `${from} ${to}`));
  expect(drawn.toSorted()).toEqual(table.toSorted());
});
