import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chromiumHere } from './browsers.ts';
import type { Played } from './loopback-only.ts';

/** A network of nothing but `lo`: root needs `-n`, others a user namespace around it. */
const unshare = [['-n'], ['-rn']].find(
  (flags) => spawnSync('unshare', [...flags, 'ip', 'link', 'set', 'lo', 'up']).status === 0,
);
const missing = chromiumHere.missing || (unshare ? '' : 'no network namespaces here');
if (missing && process.env.CI) throw new Error(missing);

test.skipIf(missing)(
  `a machine with only a loopback interface plays, pages over the relay wire ${missing}`,
  async () => {
    const tsx = join(import.meta.dirname, '../../node_modules/.bin/tsx');
    const program = join(import.meta.dirname, 'loopback-only.ts');
    const inside = 'ip link set lo up && exec "$0" "$1"';
    const child = spawn('unshare', [...(unshare ?? []), 'sh', '-c', inside, tsx, program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [printed, errors] = ['', ''];
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const [code] = await once(child, 'close');
    expect(code, errors).toBe(0);
    const played: Played = JSON.parse(printed);
    expect(played.interfaces).toEqual(['lo']);
    // Chromium gathers no candidate here; Node does, and may do better than the relay.
    const { bot } = played.wires;
    expect(['relay', 'webrtc']).toContain(bot);
    expect(played.wires).toEqual({ host: ['relay', bot], client: ['relay', bot], bot });
    expect(played.client).toEqual(played.bot);
    expect(played.host).toEqual(played.bot);
    expect(played.bot.ships).toHaveLength(3);
  },
);
