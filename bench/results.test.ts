import { expect, test } from 'vitest';
import { replaceSection } from './results.ts';

const page =
  '# Figures\n\nHow to read them.\n\n## lobby\n\nold\n\n### detail\n\n## other\n\nkept\n';

test('a section is replaced whole and the others stay', () => {
  expect(replaceSection(page, 'lobby', 'new')).toBe(
    '# Figures\n\nHow to read them.\n\n## lobby\n\nnew\n\n## other\n\nkept\n',
  );
});

test('a new section goes to the end', () => {
  expect(replaceSection(page, 'third', 'new')).toBe(`${page}\n## third\n\nnew\n`);
});
