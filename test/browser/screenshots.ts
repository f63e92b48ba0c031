import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { rules } from '../../examples/arena/src/game/index.ts';
import { ArenaPage } from './arena-page.ts';
import { startBot } from './bot.ts';
import { launchChromium } from './browsers.ts';
import { startServer } from './server.ts';

/** Makes the pictures of the READMEs: `npx tsx test/browser/screenshots.ts`, then look at them. */
const images = join(import.meta.dirname, '../../docs/images');
mkdirSync(images, { recursive: true });

await using server = await startServer();
await using browser = await launchChromium();
await using alice = await ArenaPage.open(browser, server.page('?as=Alice'), {
  viewport: { width: 1280, height: 800 },
});
await using nova = await ArenaPage.open(browser, server.page('?as=Nova'));
await nova.create('public');
await alice.page.click('#refresh');
await alice.page.locator('#games .game').waitFor();
await alice.page.screenshot({ path: join(images, 'arena-lobby.png') });
await nova[Symbol.asyncDispose]();

await using bob = await ArenaPage.open(browser, server.page('?as=Bob'));
const code = await alice.create();
await bob.joinByCode(code);
const bots = ['Rex', 'Ivy', 'Otto'].map((name) =>
  startBot([code, '--server', server.url, '--name', name]),
);
await Promise.all(bots.map((bot) => bot.line('playing')));
await bob.page.fill('#chat-text', 'watch out for Rex');
await bob.page.press('#chat-text', 'Enter');
await alice.page.fill('#chat-text', 'come and get me');
await alice.page.press('#chat-text', 'Enter');
await alice.page.click('#stage', { position: { x: 500, y: 400 } });
await alice.page.keyboard.down('KeyD');
// Some seconds in, when there is something to see: somebody rams somebody.
const start = await alice.tick();
await alice.reached(start + 12 * rules.ticksPerSecond);
await alice.page.waitForFunction(() => {
  const last = window.arena.events.at(-1);
  const rammed = window.arena.events.findLast(({ event }) => event.type === 'rammed');
  return last && rammed && window.arena.tick - rammed.tick < 6;
});
await alice.page.screenshot({ path: join(images, 'arena-game.png') });
for (const bot of bots) await bot[Symbol.asyncDispose]();
