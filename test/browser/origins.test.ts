import { expect, test } from 'vitest';
import { ArenaPage } from './arena-page.ts';
import { chromiumHere, launchChromium } from './browsers.ts';
import { arenaPage, startServer } from './server.ts';
import { serveFolder } from './static-server.ts';

test.skipIf(chromiumHere.missing)(
  'a page of another origin plays where the app allows it, and is refused elsewhere',
  async () => {
    await using allowed = await serveFolder(arenaPage);
    await using stranger = await serveFolder(arenaPage);
    await using server = await startServer({
      apps: { arena: { origins: [allowed.origin] }, open: {} },
    });
    await using browser = await launchChromium();
    const at = `?server=${server.url}`;

    await using alice = await ArenaPage.open(browser, `${allowed.origin}/${at}&as=alice`);
    await using bob = await ArenaPage.open(browser, `${allowed.origin}/${at}&as=bob`);
    await bob.joinByCode(await alice.create());
    await alice.ships(2);
    // The invite leads back to where the page is, and names the server that is elsewhere.
    await alice.page.click('#copy-link');
    const link = new URL(await alice.page.evaluate(() => navigator.clipboard.readText()));
    expect(link.origin).toBe(allowed.origin);
    expect(link.searchParams.get('server')).toBe(server.url);

    await using mallory = await ArenaPage.open(browser, `${stranger.origin}/${at}`);
    await mallory.noticeShows('does not allow players from this page');
    // The same stranger may play an app that names no origins.
    await using guest = await ArenaPage.open(browser, `${stranger.origin}/${at}&app=open`);
    await guest.create();
  },
);
