import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { channelMoves, permissionMoves } from './peer.ts';

const page = readFileSync(
  new URL('../../../../../docs/states/turn-peer.md', import.meta.url),
  'utf8',
);

test.each([
  ['A permission', permissionMoves],
  ['A channel', channelMoves],
])('docs/states/turn-peer.md draws the table: %s', (heading, moves) => {
  const section = page.split(`## ${heading}`)[1]?.split('\n## ')[0] ?? '';
  const drawn = [...section.matchAll(/^ {2}(\w+) --> (\w+):/gm)].map(
    ([, from, to]) => `${from} ${to}`,
  );
  const table = Object.entries<readonly string[]>(moves).flatMap(([from, all]) =>
    all.map((to) => `${from} ${to}`),
  );
  expect(drawn.toSorted()).toEqual(table.toSorted());
});
