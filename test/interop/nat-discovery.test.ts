import { execFile, execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../packages/server/src/cli/main.ts';

/** coturn's `turnutils_natdiscovery` against `partyline relay`, with two loopback addresses. */
const hasTool = isInstalled('turnutils_natdiscovery');
if (!hasTool && process.env.CI) throw new Error('CI needs turnutils_natdiscovery');
if (!hasTool) console.warn('skipped: apt-get install coturn for turnutils_natdiscovery');

const run = promisify(execFile);
let port = 0;
let stop = async (): Promise<void> => {};

beforeAll(async () => {
  port = await freePair();
  let interrupt = (_signal: string): void => {};
  const interrupted = new Promise<string>((resolve) => {
    interrupt = resolve;
  });
  const args = ['relay', '--listen', '127.0.0.1:0', '--user', 'a:b', '--discovery-port', `${port}`];
  for (const host of ['127.0.0.1', '127.0.0.2']) args.push('--discovery-address', host);
  let ended: Promise<number> | undefined;
  await new Promise<void>((resolve, reject) => {
    const out = (text: string): void => {
      if (text.startsWith('listening')) resolve();
    };
    const err = (text: string): void => reject(new Error(text));
    ended = runCli(args, { env: {}, out, err, interrupted: () => interrupted });
    ended.catch(reject);
  });
  stop = async () => {
    interrupt('end of test');
    await ended;
  };
});

afterAll(() => stop());

describe('partyline nat', () => {
  const ask = async (...args: string[]): Promise<{ code: number; text: string }> => {
    let text = '';
    const say = (line: string): void => {
      text += line;
    };
    const never = new Promise<string>(() => {});
    const terminal = { env: {}, out: say, err: say, interrupted: () => never };
    return { code: await runCli(['nat', ...args], terminal), text };
  };

  test('says what it found', async () => {
    const { code, text } = await ask(`127.0.0.1:${port}`);
    expect({ code, text }).toMatchObject({ code: 0, text: /mapping +no NAT/ });
    expect(text).toMatch(/filtering +anybody/);
    expect(text).toMatch(/mapped +127\.0\.0\.1:\d+/);
  });

  test('for programs', async () => {
    const { text } = await ask(`127.0.0.1:${port}`, '--json', '--from', '127.0.0.1');
    expect(JSON.parse(text)).toMatchObject({ mapping: 'none', filtering: 'endpointIndependent' });
  });

  test('nobody answers', async () => {
    const { code, text } = await ask('127.0.0.1:9');
    expect({ code, text }).toMatchObject({ code: 1, text: /does not answer/ });
  });
});

describe.skipIf(!hasTool)('turnutils_natdiscovery', () => {
  const discover = async (...flags: string[]): Promise<string> => {
    const args = [...flags, '-p', `${port}`, '127.0.0.1'];
    return (await run('turnutils_natdiscovery', args, { timeout: 60_000 })).stdout;
  };

  test('mapping and filtering: no NAT in between, and no rewriting of addresses', async () => {
    const said = await discover('-m', '-f');
    expect(said).toContain('NAT with Endpoint Independent Mapping!');
    expect(said).toContain('NAT with Endpoint Independent Filtering!');
    expect(said).toContain('No ALG: Mapped == XOR-Mapped');
    expect(said).toContain(`Response origin: : 127.0.0.1:${port}`);
    expect(said).toContain(`Other addr: : 127.0.0.2:${port + 1}`);
    // The answer to CHANGE-REQUEST with both flags.
    expect(said).toContain(`Response origin: : 127.0.0.2:${port + 1}`);
  });

  test('with padding', async () => {
    const said = await discover('-m', '-f', '-P');
    expect(said).toContain('NAT with Endpoint Independent Mapping!');
    expect(said).toContain('NAT with Endpoint Independent Filtering!');
  });

  test('the lifetime of a mapping, by RESPONSE-PORT', async () => {
    const said = await discover('-t', '-T', '1');
    expect(said).toMatch(/Mapping Lifetime/i);
    expect(said).toContain(`Response origin: : 127.0.0.1:${port}`);
  });

  test('collisions, from a second address', async () => {
    const said = await discover('-c', '-A', '127.0.0.3', '-L', '127.0.0.1');
    expect(said).toContain('Response origin');
  });
});

/** Two ports that follow each other, free on both addresses. */
async function freePair(): Promise<number> {
  for (;;) {
    const first = createSocket('udp4').bind(0, '127.0.0.1');
    await once(first, 'listening');
    const { port: found } = first.address();
    const wanted: [string, number][] = [
      ['127.0.0.1', found + 1],
      ['127.0.0.2', found],
      ['127.0.0.2', found + 1],
    ];
    const sockets = [first];
    let isFree = found < 0xffff && (found < 49_160 || found > 49_559);
    for (const [host, number] of isFree ? wanted : []) {
      const socket = createSocket('udp4');
      const bound = once(socket, 'listening');
      socket.bind(number, host);
      isFree = await bound.then(
        () => sockets.push(socket) > 0,
        () => false,
      );
      if (!isFree) break;
    }
    await Promise.all(
      sockets.map((socket) => new Promise<void>((done) => socket.close(() => done()))),
    );
    if (isFree) return found;
  }
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
