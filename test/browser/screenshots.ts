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
// Both fly by the mouse, towards the nearest gem, until there is something to see.
const start = await alice.tick();
while ((await alice.tick()) < start + 14 * rules.ticksPerSecond) {
  await Promise.all([chaseGem(alice), chaseGem(bob)]);
}
await alice.page.waitForFunction(() => {
  const last = window.arena.events.findLast(({ event }) => event.type === 'rammed');
  return last && window.arena.tick - last.tick < 6;
});
await alice.page.screenshot({ path: join(images, 'arena-game.png') });
for (const bot of bots) await bot[Symbol.asyncDispose]();

async function chaseGem({ page }: ArenaPage): Promise<void> {
  const goal = await page.evaluate(
    ({ width, height }) => {
      const { self, tick } = window.arena;
      const state = window.arena.at(tick);
      const own = state?.ships.find(({ id }) => id === self);
      const box = document.querySelector('#stage')?.getBoundingClientRect();
      if (!state || !own || !box) return undefined;
      // No function of its own here: what tsx adds to keep its name is not in the page.
      const [gem] = [...state.gems].sort(
        (a, b) => Math.hypot(a.x - own.x, a.y - own.y) - Math.hypot(b.x - own.x, b.y - own.y),
      );
      if (!gem) return undefined;
      const scale = Math.min(box.width / width, box.height / height);
      return {
        x: box.left + box.width / 2 + (gem.x - width / 2) * scale,
        y: box.top + box.height / 2 + (gem.y - height / 2) * scale,
      };
    },
    { width: rules.width, height: rules.height },
  );
  if (!goal) return;
  await page.mouse.move(goal.x, goal.y);
  await page.mouse.down();
}
