import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));

test.each(pages)('every link of %s leads somewhere', (page) => {
  expect(brokenLinks(page)).toEqual([]);
});

test('the check sees a broken file link and a broken heading link', () => {
  const text = '# One\n[a](b.md) [c](#one) [d](#two) [e](https://example.com) `[f](g.md)`';
  expect(linksOf(text).filter((link) => !leadsSomewhere(link, join(root, 'x.md'), text))).toEqual([
    'b.md',
    '#two',
  ]);
});

function brokenLinks(page: string): string[] {
  const file = join(root, page);
  const text = readFileSync(file, 'utf8');
  return linksOf(text).filter((link) => !leadsSomewhere(link, file, text));
}

/** Targets of links and images, without those in code and those to other sites. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/```.*?```/gs, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(link: string, file: string, text: string): boolean {
  const [path = '', heading] = link.split('#');
  const target = path === '' ? file : join(dirname(file), path);
  if (path !== '' && !existsSync(target)) return false;
  if (heading === undefined) return true;
  return headingsOf(path === '' ? text : readFileSync(target, 'utf8')).has(heading);
}

/** The anchors of a page, made from its headings as GitHub does. */
function headingsOf(markdown: string): Set<string> {
  const prose = markdown.replaceAll(/```.*?```/gs, '');
  return new Set(
    [...prose.matchAll(/^#+ (.+)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
