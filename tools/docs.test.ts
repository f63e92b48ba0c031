import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { netErrorCodes } from '../packages/partyline/src/base/index.ts';
import { limits, rateLimits, serverErrorCodes } from '../packages/protocol/src/index.ts';
import { generatedPages } from './docs.ts';

test.each(Object.entries(generatedPages))(
  '%s is what the sources give: else run `npx tsx tools/docs.ts --write`',
  (file, render) => {
    expect(readFileSync(join(import.meta.dirname, '..', file), 'utf8')).toBe(render());
  },
);

test('every error code and every limit is in its page', () => {
  const errors = generatedPages['docs/errors.md']?.() ?? '';
  for (const code of Object.keys(netErrorCodes)) expect(errors).toContain(`| \`${code}\` |`);
  const page = generatedPages['docs/limits.md']?.() ?? '';
  for (const name of [...Object.keys(limits), ...Object.keys(rateLimits)]) {
    expect(page).toContain(`| \`${name}\` |`);
  }
});

test('every error of the server is one that the SDK knows', () => {
  expect(serverErrorCodes.filter((code) => !(code in netErrorCodes))).toEqual([]);
});

test('an error code is AREA_REASON and its meaning a sentence', () => {
  for (const [code, meaning] of Object.entries(netErrorCodes)) {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/);
    expect(meaning).toMatch(/^[A-Z].*[.?]$/);
  }
});
