import { writeFileSync } from 'node:fs';
import { renderClientModule } from './client-module.ts';
import { renderReferencePage } from './reference-page.ts';
import { readModel } from './schema-model.ts';

const at = (path: string): string => new URL(`../../../${path}`, import.meta.url).pathname;

/** What is generated, and from what: path in the repository → text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const model = readModel();
  return new Map([
    [at('packages/partyline/src/client/generated/protocol.ts'), renderClientModule(model)],
    [at('docs/protocol.md'), renderReferencePage(model)],
  ]);
}

// `npx tsx packages/protocol/tools/generate.ts`
if (process.argv[1] === new URL(import.meta.url).pathname) {
  for (const [path, text] of generatedFiles()) writeFileSync(path, text);
}
