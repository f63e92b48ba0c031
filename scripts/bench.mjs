import './require-node.mjs';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { Explained, root, run, runMain } from './child.mjs';
import { ensureInstalled } from './install.mjs';

const folder = join(root, 'bench');

await runMain(async () => {
  const [name = '', ...args] = process.argv.slice(2);
  const benches = readdirSync(folder)
    .filter((file) => file.endsWith('.bench.ts'))
    .map((file) => file.replace('.bench.ts', ''));
  if (!benches.includes(name)) {
    throw new Explained(
      `Usage: npm run bench -- ${benches.join('|')} [--json] [--write] [--runs N]`,
    );
  }
  await ensureInstalled();
  await ensureBuilt();
  await ensureInstalled(folder, 'what Partyline is measured against');
  const { ok } = await run(
    process.execPath,
    ['--import', 'tsx', join(folder, `${name}.bench.ts`), ...args],
    {
      show: true,
    },
  );
  if (!ok) process.exitCode = 1;
});
