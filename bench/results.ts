import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, type } from 'node:os';

const resultsFile = new URL('RESULTS.md', import.meta.url);

/** What the figures depend on, in one line. */
export function machineFacts(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${type()} ${release()}, Node ${process.versions.node}`;
}

/** Replaces one bench's section of RESULTS.md. */
export function writeSection(name: string, text: string): void {
  writeFileSync(resultsFile, replaceSection(readFileSync(resultsFile, 'utf8'), name, text));
}

/** The page with the section `## name` replaced, or added at the end. */
export function replaceSection(page: string, name: string, text: string): string {
  const [head = '', ...sections] = page.trimEnd().split(/\n+(?=## )/);
  const fresh = `## ${name}\n\n${text}`;
  const index = sections.findIndex((section) => section.split('\n')[0] === `## ${name}`);
  const replaced = index < 0 ? [...sections, fresh] : sections.with(index, fresh);
  return `${[head, ...replaced].join('\n\n')}\n`;
}
