import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Lines of one file: asked about from here, refused from there. Tables and generated code are exempt. */
export const lineBudget = { question: 300, stop: 500 } as const;

/** Words that say nothing; a file is named after what it holds. */
const bannedWords: ReadonlySet<string> = new Set([
  ...['manager', 'managers', 'helper', 'helpers', 'util', 'utils', 'common', 'misc'],
  ...['data', 'info', 'process', 'types'],
]);

/** Words of the field that hold a banned one: WebRTC's data channel. */
const termsOfTheField = /data-?channel/g;

const isSource = (file: string): boolean => /\.(ts|mts|mjs|js|css)$/.test(file);
const isExempt = (file: string): boolean => /(^|\/)(generated|vectors)\//.test(file);

export interface Finding {
  readonly file: string;
  readonly what: string;
  readonly severity: 'stop' | 'question';
}

/** `lines` is how many a file has. */
export function checkFile(file: string, lines: number): Finding[] {
  if (!isSource(file) || isExempt(file)) return [];
  const findings: Finding[] = [];
  const { question, stop } = lineBudget;
  if (lines > stop) findings.push({ file, what: `${lines} lines, over ${stop}`, severity: 'stop' });
  else if (lines > question) {
    findings.push({ file, what: `${lines} lines: can it be two?`, severity: 'question' });
  }
  const words = basename(file).toLowerCase().replaceAll(termsOfTheField, '').split(/[-._]/);
  for (const word of words.filter((candidate) => bannedWords.has(candidate))) {
    findings.push({ file, what: `"${word}" in a name says nothing`, severity: 'stop' });
  }
  return findings;
}

/** Every file under version control, or about to be. */
export function checkBudgets(root: string): Finding[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((file) => isSource(file) && existsSync(join(root, file)))
    .flatMap((file) =>
      checkFile(file, readFileSync(join(root, file), 'utf8').split('\n').length - 1),
    );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const findings = checkBudgets(join(import.meta.dirname, '..'));
  for (const { file, what, severity } of findings) console.error(`${severity}: ${file}: ${what}`);
  process.exitCode = findings.some(({ severity }) => severity === 'stop') ? 1 : 0;
}
