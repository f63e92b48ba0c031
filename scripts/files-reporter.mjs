import { appendFileSync } from 'node:fs';

/**
 * A vitest reporter that writes down, as it happens, which test file begins and which ends: what is
 * left when a suite has to be ended. For scripts/test.mjs, which names the file to write to.
 */
export default class FilesReporter {
  onTestModuleQueued(file) {
    write('began', file);
  }

  onTestModuleEnd(file) {
    write('ended', file);
  }
}

function write(what, { moduleId }) {
  const log = process.env.PARTYLINE_TEST_FILES;
  if (log !== undefined) appendFileSync(log, `${what} ${moduleId}\n`);
}
