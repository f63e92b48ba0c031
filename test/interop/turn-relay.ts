import { execFileSync } from 'node:child_process';
import { runCli } from '../../packages/server/src/cli/main.ts';

export interface RelayFiles {
  readonly cert: string;
  readonly key: string;
  readonly secret: string;
}

/** For `localhost` and loopback, signed by itself. */
export function makeCertificate(cert: string, key: string): void {
  const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
  subject.push('-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
}

export interface RunningRelay {
  readonly port: number;
  stop(): Promise<void>;
}

/** What the TURN tests drive: both families of loopback, TLS, a named player and a secret. */
export async function startRelay({ cert, key, secret }: RelayFiles): Promise<RunningRelay> {
  const args = ['--listen', '127.0.0.1:0', '--listen', '[::1]:0', '--user', 'alice:wonderland'];
  args.push('--relay-address', '127.0.0.1', '--relay-address', '::1', '--secret', secret);
  args.push('--allow-peer', '127.0.0.1/32', '--allow-peer', '::1/128');
  args.push('--port-range', '20000-21999', '--tls-cert', cert, '--tls-key', key);
  const many = {
    allocationsPerPlayer: 1000,
    allocationsPerAddress: 1000,
    challengesPerSecond: 1000,
  };
  args.push('--limits', JSON.stringify(many));
  return runRelay(args);
}

/** The command itself, in this process, with its first listener's port. */
export async function runRelay(args: readonly string[]): Promise<RunningRelay> {
  let interrupt = (_signal: string): void => {};
  const interrupted = new Promise<string>((resolve) => {
    interrupt = resolve;
  });
  let ended: Promise<number> | undefined;
  const port = await new Promise<number>((resolve, reject) => {
    const out = (text: string): void => resolve(Number(/^listening (\d+)/.exec(text)?.[1]));
    const err = (text: string): void => reject(new Error(text));
    ended = runCli(['relay', ...args], { env: {}, out, err, interrupted: () => interrupted });
    ended.catch(reject);
  });
  return {
    port,
    stop: async () => {
      interrupt('end of test');
      await ended;
    },
  };
}
