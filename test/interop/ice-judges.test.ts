import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { IceRole } from 'partyline/protocol/ice';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { introduce } from '../natlab/introduce.ts';
import { Lab, RemotePeer, whyNoLab } from '../natlab/lab.ts';
import { startLabRelay } from '../natlab/lab-relay.ts';
import { selectedPair, talk } from '../natlab/traffic.ts';

const python = process.env.PYTHON ?? 'python3';
const whyNot = {
  lab: whyNoLab(),
  aioice: whyFails(python, ['-c', 'import aioice']),
  pion: whyFails('sh', ['-c', 'case "$(go env GOVERSION)" in go1.2[1-9]*) ;; *) exit 1 ;; esac']),
};
const missing = Object.entries(whyNot).filter(([, why]) => why !== undefined);
if (process.env.CI && missing.length > 0) throw new Error(`CI needs ${JSON.stringify(missing)}`);
for (const [what, why] of missing) console.warn(`skipped: ${what}: ${why}`);

const clients = join(import.meta.dirname, '../../interop/ice-clients');
const server = '203.0.113.10';
const servers = [
  { urls: [`stun:${server}:3478`] },
  { urls: [`turn:${server}:3478?transport=udp`], username: 'u', credential: 'p' },
];
type Roles = readonly [IceRole, IceRole];
const agreed: readonly Roles[] = [
  ['controlling', 'controlled'],
  ['controlled', 'controlling'],
];
/** RFC 8445 §7.3.1.1 has them find out. pion ignores such checks. */
const inConflict: readonly Roles[] = [
  ['controlling', 'controlling'],
  ['controlled', 'controlled'],
];
const roles = { aioice: [...agreed, ...inConflict], pion: agreed };

describe.skipIf(whyNot.lab !== undefined)('in the NAT lab', () => {
  const lab = new Lab(`icj${process.pid % 10_000}`);
  const peers = new Map<string, RemotePeer>();
  const commands = new Map<string, readonly string[]>();

  beforeAll(async () => {
    await lab.do('up');
    for (const [name, nat] of [
      ['r', 'restricted-cone'],
      ['p', 'port-restricted'],
      ['s', 'symmetric'],
    ] as const) {
      await lab.do('lan', name, nat, 'clients=2');
    }
    await startLabRelay(lab, server);
    const ours = await lab.bundle(join(import.meta.dirname, '../natlab/ice-peer.ts'));
    commands.set('ours', [process.execPath, ours]);
    commands.set('aioice', [python, join(clients, 'aioice_peer.py')]);
    if (whyNot.pion === undefined) {
      const program = lab.path('pionpeer');
      await promisify(execFile)('go', ['build', '-o', program, '.'], {
        cwd: join(clients, 'pion'),
      });
      commands.set('pion', [program]);
    }
  }, 180_000);

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  async function peer(who: string, host: string): Promise<RemotePeer> {
    const key = `${who} ${host}`;
    const opened = peers.get(key) ?? new RemotePeer(lab, host, commands.get(who) ?? []);
    peers.set(key, opened);
    await opened.until((line) => line.type === 'ready', 20_000, 0);
    return opened;
  }

  test.skipIf(whyNot.aioice !== undefined)('RFC 6762: a name that aioice answers for', async () => {
    const name = 'e2b1f7c0-6f0d-4a5e-9a57-6d1a3d2b5a10.local';
    const address = await lab.do('addr', 'r1');
    const responder = lab.spawn('r1', python, [join(clients, 'aioice_mdns.py'), name, address]);
    await once(responder.stdout, 'data');
    const [a, b] = [await peer('ours', 'r1'), await peer('ours', 'r2')];
    const meeting = await introduce(a, b, {
      servers: [],
      // Only b can begin, and only by the name.
      rewrite: (text, from) => (from === a ? text.replace(address, name) : undefined),
    });
    expect(meeting.outcomes.map(({ state }) => state)).toEqual(['connected', 'connected']);
    await talk(a, b);
    await meeting.end();
    const ended = once(responder, 'close');
    responder.kill('SIGKILL');
    await ended;
  });

  describe.each(['aioice', 'pion'] as const)('with %s', (judge) => {
    describe.skipIf(whyNot[judge] !== undefined).each(roles[judge])(
      '%s, it being %s',
      (ours, its) => {
        test.each([
          ['r1', 'p1', true],
          ['p1', 'r1', true],
          ['p1', 's1', false],
          ['s1', 'p1', false],
        ] as const)('from %s to %s; direct: %s', async (x, y, isDirect) => {
          const [a, b] = [await peer('ours', x), await peer(judge, y)];
          const meeting = await introduce(a, b, { servers, roles: [ours, its] });
          expect(meeting.outcomes.map(({ state }) => state)).toEqual(['connected', 'connected']);
          await talk(a, b);
          const isRelayed = selectedPair(a)?.isRelayed;
          // Who controls chooses; aioice takes the first pair that works, be it relayed.
          if (!isDirect) expect(isRelayed).toBe(true);
          else if (ours !== its && ours === 'controlling') expect(isRelayed).toBe(false);
          await meeting.end();
        });
      },
    );
  });
});

function whyFails(program: string, args: string[]): string | undefined {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return undefined;
  } catch {
    return `${program} ${args.join(' ')} fails`;
  }
}
