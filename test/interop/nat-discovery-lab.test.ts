import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, whyNoLab } from '../natlab/lab.ts';
import { startLabRelay } from '../natlab/lab-relay.ts';
import type { NatAnswer } from '../natlab/nat-ask.ts';

/** `discoverNat` and coturn's `turnutils_natdiscovery`, asking our relay from behind real NATs. */
const why = whyNoLab() ?? (isInstalled('turnutils_natdiscovery') ? undefined : 'no coturn tools');
if (process.env.CI && why !== undefined) throw new Error(`CI needs the NAT lab: ${why}`);
if (why !== undefined) console.warn(`skipped: ${why}`);

const [server, second] = ['203.0.113.10', '203.0.113.11'];

/** What each kind is, and in the words of coturn's tool. */
const kinds = [
  [
    'none',
    'none',
    'endpointIndependent',
    'Endpoint Independent Mapping',
    'Endpoint Independent Filtering',
  ],
  [
    'full-cone',
    'endpointIndependent',
    'endpointIndependent',
    'Endpoint Independent Mapping',
    'Endpoint Independent Filtering',
  ],
  [
    'restricted-cone',
    'endpointIndependent',
    'addressDependent',
    'Endpoint Independent Mapping',
    'Address Dependent Filtering',
  ],
  [
    'port-restricted',
    'endpointIndependent',
    'addressAndPortDependent',
    'Endpoint Independent Mapping',
    'Address and Port Dependent Filtering',
  ],
  [
    'symmetric',
    'addressAndPortDependent',
    'addressAndPortDependent',
    'Address and Port Dependent Mapping',
    'Address and Port Dependent Filtering',
  ],
] as const;

describe.skipIf(why !== undefined)('in the NAT lab', () => {
  const lab = new Lab(`nat${process.pid % 10_000}`);
  const lanOf = (kind: string): string => kind.slice(0, 1);
  let program = '';
  const ask = async (host: string): Promise<NatAnswer> =>
    JSON.parse(await lab.do('run', host, process.execPath, program, server));

  beforeAll(async () => {
    await lab.do('up');
    for (const [kind] of kinds) await lab.do('lan', lanOf(kind), kind, 'clients=2');
    await lab.do('lan', 'u', 'udp-blocked');
    const discovery = ['--discovery-address', server, '--discovery-address', second];
    await startLabRelay(lab, server, ...discovery);
    program = await lab.bundle(join(import.meta.dirname, '../natlab/nat-ask.ts'));
  }, 60_000);

  afterAll(() => lab[Symbol.asyncDispose]());

  test.each(kinds)('%s', async (kind, mapping, filtering, mappingWords, filteringWords) => {
    const ours = await ask(`${lanOf(kind)}1`);
    expect(ours).toMatchObject({ mapping, filtering, rewritesPayload: false });
    const tool = ['turnutils_natdiscovery', '-m', '-f', '-p', '3479', server];
    const theirs = await lab.do('run', `${lanOf(kind)}2`, ...tool);
    expect(theirs).toContain(mappingWords);
    expect(theirs).toContain(filteringWords);
  });

  test('UDP is blocked: it says so', async () => {
    expect(await ask('u1')).toBe('STUN_TIMEOUT');
  });
});

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
