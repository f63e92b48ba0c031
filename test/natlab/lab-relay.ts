import { type ChildProcessWithoutNullStreams, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nodeLegacyCrypto } from '../../packages/partyline/src/node/index.ts';
import { type RestCredential, restCredential } from '../../packages/partyline/src/turn/index.ts';
import type { Lab } from './lab.ts';

const bin = join(import.meta.dirname, '../../packages/server/bin/partyline.js');

/**
 * `partyline relay` on the lab's server, user `u`, password `p`: UDP and TCP on 3478, TCP and TLS on
 * 443. The lab's addresses are ones that the relay denies unless it is told otherwise.
 */
export async function startLabRelay(lab: Lab, host: string, ...more: string[]): Promise<void> {
  const [cert, key] = [lab.path('cert.pem'), lab.path('key.pem')];
  const subject = ['-subj', '/CN=lab', '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  const args = ['relay', '--user', 'u:p', '--tls-cert', cert, '--tls-key', key];
  for (const port of [3478, 443]) args.push('--listen', `${host}:${port}`);
  args.push('--relay-address', host);
  for (const range of ['203.0.113.0/24', '198.51.100.0/24']) args.push('--allow-peer', range);
  await said(lab.spawn('srv', process.execPath, [bin, ...args, ...more]), /^listening/);
}

/** Signs credentials of {@link startLabServer}. */
const labSecret = 'the secret of the lab';

/** `partyline serve` on a public host, whose relay is reached over WebSockets on 443; a credential for it. */
export async function startLabServer(lab: Lab, at: string, host: string): Promise<RestCredential> {
  const turn = {
    addresses: [host],
    allowPeers: ['203.0.113.0/24', '198.51.100.0/24'],
    secret: labSecret,
  };
  const args = ['serve', '--app', 'lab', '--listen', `${host}:443`, '--turn', JSON.stringify(turn)];
  await said(lab.spawn(at, process.execPath, [bin, ...args]), /"msg":"serving"/);
  return restCredential(nodeLegacyCrypto, labSecret, Date.now() / 1000 + 600, 'somebody');
}

/** coturn on a public host, user `u`, password `p`. It may take a moment: clients ask again anyway. */
export function startLabCoturn(lab: Lab, at: string, host: string): void {
  const args = ['-n', '-L', host, '-E', host, '--no-tls', '--no-dtls', '--no-cli', '-a'];
  args.push('-u', 'u:p', '-r', 'lab', '--log-file', '/dev/null');
  args.push('--pidfile', lab.path('turnserver.pid'));
  const { stdout, stderr } = lab.spawn(at, 'turnserver', args);
  stdout.resume();
  stderr.resume();
}

/** Waits until the program says it. */
async function said(
  { stdout, stderr }: ChildProcessWithoutNullStreams,
  what: RegExp,
): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    for (const input of [stdout, stderr]) {
      createInterface({ input }).on('line', (line) => {
        if (lines.length < 100) lines.push(line);
        if (what.test(line)) resolve();
      });
    }
    stdout.once('close', () => reject(new Error(`it did not start:\n${lines.join('\n')}`)));
  });
}
