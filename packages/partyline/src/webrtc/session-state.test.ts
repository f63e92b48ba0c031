import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { webRtcSessionTransitions } from './session-state.ts';

test('docs/states/webrtc-session.md draws exactly the table', () => {
  const page = new URL('../../../../docs/states/webrtc-session.md', import.meta.url);
  const drawn = [...readFileSync(page, 'utf8').matchAll(/^ {2}(\w+) --> (\w+)/gm)].map(
    ([, from, to]) => `${from} ${to}`,
  );
  const table = Object.entries(webRtcSessionTransitions).flatMap(([from, next]) =>
    next.map((to) => `${from} ${to}`),
  );
  expect(drawn.toSorted()).toEqual(table.toSorted());
});
