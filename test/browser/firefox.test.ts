import { expect, test } from 'vitest';
import { ArenaPage } from './arena-page.ts';
import { chromiumHere, firefoxHere, launchChromium, launchFirefox } from './browsers.ts';
import { startServer } from './server.ts';

const missing = chromiumHere.missing || firefoxHere.missing;

test.skipIf(missing)(
  `Firefox joins a Chromium host over WebRTC, and rpcs go both ways ${missing}`,
  async () => {
    await using server = await startServer();
    await using chromium = await launchChromium();
    await using host = await ArenaPage.open(chromium, server.page('?as=alice'));
    const code = await host.create();

    const firefox = await launchFirefox();
    await using _firefox = { [Symbol.asyncDispose]: () => firefox.close() };
    const page = await firefox.newPage();
    await page.goto(server.page(`?as=fox#join=${code}`));
    await page.waitForFunction(() => window.arena?.phase === 'playing' && window.arena.tick > 0);
    await host.ships(2);
    expect(Object.values(await host.wires())).toEqual(['webrtc']);

    // Up: the dash is a reliable rpc to the host. Down: what happened is one to everybody.
    const fox = await page.evaluate(() => window.arena.self);
    await page.keyboard.press(' ');
    await host.page.waitForFunction(
      (id) => window.arena.events.some(({ event }) => event.type === 'dashed' && event.ship === id),
      fox,
    );
    await page.waitForFunction(
      (id) => window.arena.events.some(({ event }) => event.type === 'dashed' && event.ship === id),
      {},
      fox,
    );
  },
);
