import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Authority {
  /** Of the authority: whom a browser has to trust. */
  readonly ca: string;
  /** For `localhost` and loopback, signed by it. */
  readonly cert: string;
  readonly key: string;
}

/** A certificate as one buys it: with an authority that is somebody else. */
export function makeAuthority(folder: string): Authority {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  };
  const newKey = (key: string): string[] => ['-newkey', 'rsa:2048', '-nodes', '-keyout', key];
  const authority = ['-x509', '-days', '2', '-subj', '/CN=Authority of a test'];
  const signsOnly = ['-addext', 'keyUsage=keyCertSign', '-out', 'ca.pem'];
  openssl('req', ...authority, ...newKey('ca.key'), ...signsOnly);
  openssl('req', '-subj', '/CN=localhost', ...newKey('key.pem'), '-out', 'request.pem');
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  writeFileSync(join(folder, 'extensions'), `${names}\nextendedKeyUsage=serverAuth\n`);
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
  const signed = ['-extfile', 'extensions', '-out', 'cert.pem'];
  openssl('x509', '-req', '-in', 'request.pem', ...signer, ...signed);
  const at = (name: string): string => join(folder, name);
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
}

/** Whether Firefox can be told about an authority: Debian's package libnss3-tools. */
export const certutilMissing: string = isInstalled('certutil') ? '' : 'certutil';
if (certutilMissing && process.env.CI) throw new Error('CI needs certutil (libnss3-tools)');
if (certutilMissing) console.warn('skipped: apt-get install libnss3-tools for certutil');

/** A folder for Firefox that trusts the authority. */
export function makeProfile(folder: string, ca: string): string {
  const profile = join(folder, 'profile');
  mkdirSync(profile);
  const database = ['-d', `sql:${profile}`];
  execFileSync('certutil', ['-N', ...database, '--empty-password']);
  execFileSync('certutil', ['-A', ...database, '-n', 'test', '-t', 'C,,', '-i', ca]);
  return profile;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
