#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/cli/main.js', import.meta.url);

if (existsSync(main)) {
  const { runCli } = await import(main.href);
  process.exitCode = await runCli(process.argv.slice(2));
} else {
  process.stderr.write(
    `Partyline is not built yet: ${fileURLToPath(main)} is missing.\n` +
      'In a clone of the repository run «npm start», which installs, builds and starts everything,\n' +
      'or «npm run build» and then this command again.\n',
  );
  process.exitCode = 1;
}
