import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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
  const { stdout, stderr } = lab.spawn('srv', process.execPath, [bin, ...args, ...more]);
  if (stdout === null || stderr === null) throw new Error('no pipes');
  const errors: string[] = [];
  createInterface({ input: stderr }).on('line', (line) => errors.push(line));
  for await (const line of createInterface({ input: stdout })) {
    if (line.startsWith('listening')) {
      stdout.resume();
      return;
    }
  }
  throw new Error(`the relay did not start:\n${errors.join('\n')}`);
}
