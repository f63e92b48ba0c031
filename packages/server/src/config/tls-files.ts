import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from './config-error.ts';

/** A certificate with its chain, and its key: PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads both files, again for a renewed certificate; `undefined` when neither is named. A half-written
 * pair is an error here, not in the middle of a handshake. @throws ConfigError
 */
export function readTlsFiles(
  cert: string | undefined,
  key: string | undefined,
): TlsFiles | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new ConfigError('--tls-cert and --tls-key go together.');
  }
  try {
    const files = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    createSecureContext(files);
    return files;
  } catch (error) {
    throw new ConfigError(`The certificate cannot be used: ${String(error)}`);
  }
}
