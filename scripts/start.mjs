import './require-node.mjs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { root, runMain } from './child.mjs';
import { ensureInstalled } from './install.mjs';

const server = join(root, 'packages/server/bin/partyline.js');

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  // In this very process, so that Ctrl-C and kill reach the server and nothing stands between.
  const game = `arena=${join(root, 'examples/arena/dist/page')}`;
  // The server says it with the address it came to: another one than usual when the port is taken.
  process.env.PARTYLINE_ADVICE = 'Third player  npm run bot -- CODE --server {url}';
  process.argv = [
    process.execPath,
    server,
    'serve',
    '--dev',
    '--mount',
    game,
    ...process.argv.slice(2),
  ];
  await import(pathToFileURL(server).href);
});
