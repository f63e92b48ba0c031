import { networkInterfaces } from 'node:os';
import type { Snapshot } from '../../examples/arena/src/game/index.ts';
import { ArenaPage } from './arena-page.ts';
import { startBot } from './bot.ts';
import { launchChromium } from './browsers.ts';
import { startServer } from './server.ts';

/** What loopback-only.test.ts compares; printed as JSON. */
export interface Played {
  readonly interfaces: readonly string[];
  readonly wires: {
    readonly host: readonly string[];
    readonly client: readonly string[];
    readonly bot: string;
  };
  /** The states of one tick. */
  readonly host: Snapshot | undefined;
  readonly client: Snapshot | undefined;
  readonly bot: Snapshot;
}

// Run inside the namespace by loopback-only.test.ts: server, browser and bot all live in it.
await using server = await startServer();
await using browser = await launchChromium();
await using alice = await ArenaPage.open(browser, server.page('?as=alice'));
await using bob = await ArenaPage.open(browser, server.page('?as=bob'));
const code = await alice.create();
await bob.joinByCode(code);
await using bot = startBot([code, '--server', server.url, '--ticks', '60']);
await bot.line('playing');
await alice.ships(3);
await bob.page.waitForFunction(() => Object.keys(window.arena.wires).length === 2);
const wires = {
  host: Object.values(await alice.wires()),
  client: Object.values(await bob.wires()),
};
const result = await bot.line('result');
const { tick } = result.snapshot;
await Promise.all([alice.reached(tick), bob.reached(tick)]);
const played: Played = {
  interfaces: Object.keys(networkInterfaces()),
  wires: { ...wires, bot: result.wire },
  host: await alice.at(tick),
  client: await bob.at(tick),
  bot: result.snapshot,
};
process.stdout.write(JSON.stringify(played));
