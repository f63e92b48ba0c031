import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import nodeDataChannel from 'node-datachannel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate, type RunningRelay, startRelay } from './turn-relay.ts';

/** Where aioice is installed; Go 1.21 or newer fetches pion by itself. */
const python = process.env.PYTHON ?? 'python3';
const hasGo = works('sh', [
  '-c',
  'case "$(go env GOVERSION)" in go1.2[1-9]*) ;; *) exit 1 ;; esac',
]);
const hasAioice = works(python, ['-c', 'import aioice']);
if (process.env.CI && !(hasGo && hasAioice)) {
  throw new Error(`CI needs go ≥ 1.21 (${hasGo}) and aioice for ${python} (${hasAioice})`);
}
if (!hasGo) console.warn('skipped: no go for pion’s client');
if (!hasAioice) console.warn(`skipped: no aioice for ${python}`);

const clients = new URL('../../interop/turn-clients', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'relay-'));
const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), secret: 'no matter' };
let relay: RunningRelay;

beforeAll(async () => {
  makeCertificate(files.cert, files.key);
  relay = await startRelay(files);
});

afterAll(async () => {
  await relay?.stop();
  rmSync(folder, { recursive: true });
});

const run = promisify(execFile);

test.skipIf(!hasGo)('pion’s client, over UDP and TCP', async () => {
  const program = join(folder, 'pionclient');
  await run('go', ['build', '-o', program, '.'], { cwd: join(clients, 'pion') });
  for (const transport of ['udp', 'tcp']) {
    const { stdout } = await run(program, [transport, `127.0.0.1:${relay.port}`]);
    expect(stdout).toContain('echoed 200');
  }
});

test.skipIf(!hasAioice)('aioice, over UDP and TCP', async () => {
  for (const transport of ['udp', 'tcp']) {
    const program = join(clients, 'aioice_client.py');
    const { stdout } = await run(python, [program, transport, String(relay.port)]);
    expect(stdout).toContain('echoed 200');
  }
});

describe('node-datachannel, relay only', () => {
  test('two connections open and talk', async () => {
    const { PeerConnection } = nodeDataChannel;
    const config = {
      iceTransportPolicy: 'relay' as const,
      iceServers: [
        {
          hostname: '127.0.0.1',
          port: relay.port,
          username: 'alice',
          password: 'wonderland',
          relayType: 'TurnUdp' as const,
        },
      ],
    };
    const [a, b] = [new PeerConnection('a', config), new PeerConnection('b', config)];
    a.onLocalDescription((sdp, type) => b.setRemoteDescription(sdp, type));
    b.onLocalDescription((sdp, type) => a.setRemoteDescription(sdp, type));
    a.onLocalCandidate((candidate, mid) => b.addRemoteCandidate(candidate, mid));
    b.onLocalCandidate((candidate, mid) => a.addRemoteCandidate(candidate, mid));
    b.onDataChannel((channel) => channel.onMessage((text) => channel.sendMessage(String(text))));
    const channel = a.createDataChannel('through');
    const answer = await new Promise((resolve) => {
      channel.onMessage(resolve);
      channel.onOpen(() => channel.sendMessage('hello'));
    });
    expect(answer).toBe('hello');
    const pair = a.getSelectedCandidatePair();
    expect([pair?.local.type, pair?.remote.type]).toEqual(['relay', 'relay']);
    a.close();
    b.close();
  }, 30_000);
});

function works(program: string, args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
