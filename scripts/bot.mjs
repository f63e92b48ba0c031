import './require-node.mjs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.mjs';
import { root, runMain } from './child.mjs';
import { ensureInstalled } from './install.mjs';

await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt();
  // In this very process, so that Ctrl-C reaches the bot and its exit code is ours.
  const bot = await import(pathToFileURL(join(root, 'examples/arena/dist/bot/bot/main.js')).href);
  process.exitCode = await bot.main(process.argv.slice(2));
});
