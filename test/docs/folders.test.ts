import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** Folders whose own folders are rooms that a newcomer enters one by one. */
const houses = ['packages/partyline/src', 'packages/server/src', 'examples'];

const rooms = houses.flatMap((house) =>
  readdirSync(join(root, house), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${house}/${entry.name}`),
);

test.each(rooms)('%s has a README that says what it does and what it lacks', (room) => {
  expect(existsSync(join(root, room, 'README.md'))).toBe(true);
});
