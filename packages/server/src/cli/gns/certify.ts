import { closeSync, openSync, writeSync } from 'node:fs';
import { nodeCrypto } from 'partyline/node';
import { issueCert } from 'partyline/protocol/cert';
import { loadCaSeed } from '../../app/index.ts';
import type { Terminal } from '../main.ts';
import { joinCertificate, printCaKey } from './certificate.ts';
import { readCertCommand, UsageError } from './options.ts';

const DAY_SEC = 86_400;

/** `partyline gns cert`: a key of one's own and the CA's word for a name, in one file for `--cert`. */
export function certify(args: readonly string[], terminal: Terminal): number {
  const { identity, caKeyFile, outFile, days, appId } = readCertCommand(args);
  const caSeed = loadCaSeed(caKeyFile, nodeCrypto.randomBytes, '--ca-key');
  const seed = nodeCrypto.randomBytes(32);
  const timeCreatedSec = Math.floor(Date.now() / 1000);
  const cert = issueCert(nodeCrypto, caSeed, {
    identity,
    publicKey: nodeCrypto.ed25519PublicKey(seed),
    appIds: [appId],
    timeCreatedSec,
    timeExpirySec: timeCreatedSec + days * DAY_SEC,
  });
  writeSecret(outFile, `${Buffer.from(joinCertificate(seed, cert)).toString('base64')}\n`);
  terminal.err(`${outFile} proves ${identity} for ${days} days, to all who trust this CA:`);
  terminal.out(printCaKey(nodeCrypto.ed25519PublicKey(caSeed)));
  return 0;
}

/** For this user alone, and never over what is there. */
function writeSecret(path: string, text: string): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const why = code === 'EEXIST' ? 'it is there already' : code;
    throw new UsageError(`--out ${path} cannot be made (${why}).`);
  }
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}
