import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArenaPage } from './arena-page.ts';
import { startBot } from './bot.ts';
import { chromiumHere, launchChromium } from './browsers.ts';
import { startServer, type TestServer } from './server.ts';

describe.skipIf(chromiumHere.missing)(`the arena in Chromium ${chromiumHere.missing}`, () => {
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await startServer({ apps: { arena: {}, other: {} } });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const open = (query = ''): Promise<ArenaPage> => ArenaPage.open(browser, server.page(query));

  test('two pages and a Node bot play 200 ticks and agree on positions and scores', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    const code = await alice.create();
    await bob.joinByCode(code);
    const bot = startBot([code, '--server', server.url, '--name', 'Rex', '--ticks', '200']);
    await using _bot = bot;
    await bot.line('playing');
    await alice.ships(3);
    await bob.page.keyboard.down('ArrowRight');
    await alice.page.keyboard.down('KeyW');

    await bob.page.waitForFunction(() => Object.keys(window.arena.wires).length === 2);
    const wires = await alice.wires();
    expect(Object.values(wires)).toEqual(['webrtc', 'webrtc']);
    expect(await bob.wires()).toEqual(wires);

    const result = await bot.line('result');
    const { tick } = result.snapshot;
    await Promise.all([alice.reached(tick), bob.reached(tick)]);
    // All three have the state of this very tick, number for number.
    expect(await alice.at(tick)).toEqual(result.snapshot);
    expect(await bob.at(tick)).toEqual(result.snapshot);
    expect(result.snapshot.ships).toHaveLength(3);
    // Of unreliable states a loopback loses next to none; a bot that saw few was not in the game.
    expect(result.seen).toBeGreaterThan(180);
    expect(result.score).toBeGreaterThan(0);

    expect(result.wire).toBe('webrtc');
    expect(await bot.exitCode).toBe(0);
    await alice.ships(2);
  });

  test('keys of a client move its ship on the host', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    await bob.joinByCode(await alice.create());
    const self = await bob.page.evaluate(() => window.arena.self);
    await bob.page.keyboard.down('ArrowLeft');
    await alice.page.waitForFunction((id) => {
      const ship = window.arena.at(window.arena.tick)?.ships.find((one) => one.id === id);
      return ship && ship.vx < -100;
    }, self);
    await bob.page.keyboard.up('ArrowLeft');
    await bob.page.keyboard.press('Space');
    await alice.page.waitForFunction((id) => {
      const ship = window.arena.at(window.arena.tick)?.ships.find((one) => one.id === id);
      return ship && ship.dash > 0;
    }, self);
  });

  test('an invite link joins by itself', async () => {
    await using alice = await open('?as=alice');
    const code = await alice.create();
    await alice.page.click('#copy-link');
    const link = await alice.page.evaluate(() => navigator.clipboard.readText());
    expect(link).toBe(server.page(`#join=${code}`));
    await using bob = await ArenaPage.open(browser, link);
    await bob.playing();
    await alice.ships(2);
  });

  test('a public lobby is found in the list, a private one is not', async () => {
    await using alice = await open('?as=alice');
    await using carol = await open('?as=carol');
    await using bob = await open('?as=bob');
    await alice.create('public');
    await carol.create('private');
    await bob.page.click('#refresh');
    const listed = bob.page.locator('#games .game');
    await listed.first().waitFor();
    expect(await listed.allInnerTexts()).toEqual([expect.stringContaining('Alice')]);
    await listed.getByRole('button', { name: 'Join' }).click();
    await bob.playing();
    await alice.ships(2);
  });

  test('a wrong code is answered in human words, and another try works', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    await bob.page.fill('#code', 'AAAAAA');
    await bob.page.click('#join');
    await bob.noticeShows('No such game');
    await bob.page.fill('#code', 'what?');
    await bob.page.click('#join');
    await bob.noticeShows('does not look like a code');
    await bob.joinByCode(await alice.create());
  });

  test('who is kicked is told why, and is gone for the others', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    await bob.joinByCode(await alice.create());
    await alice.ships(2);
    await alice.page.getByRole('button', { name: 'Remove Bob' }).click();
    await bob.noticeShows('You are out of the game: removed by Alice.');
    await alice.ships(1);
    await alice.page.locator('#chat', { hasText: 'Bob was removed' }).waitFor();
  });

  test('a kicked bot says so and ends with 4', async () => {
    await using alice = await open('?as=alice');
    const code = await alice.create();
    const bot = startBot([code, '--server', server.url, '--name', 'Rex']);
    await using _bot = bot;
    await bot.line('playing');
    await alice.page.getByRole('button', { name: 'Remove Rex' }).click();
    expect((await bot.line('ended')).reason).toContain('The host removed me');
    expect(await bot.exitCode).toBe(4);
  });

  test('a bot ends with 0 on Ctrl+C, 3 on a wrong code, 5 when the host leaves', async () => {
    await using alice = await open('?as=alice');
    const code = await alice.create();
    const [one, two] = [
      startBot([code, '--server', server.url]),
      startBot([code, '--server', server.url]),
    ];
    const lost = startBot(['AAAAAA', '--server', server.url]);
    await using _one = one;
    await using _two = two;
    await using _lost = lost;
    await Promise.all([one.line('playing'), two.line('playing')]);
    one.interrupt();
    expect(await one.exitCode).toBe(0);
    await alice.page.click('#leave');
    expect(await two.exitCode).toBe(5);
    expect((await lost.line('ended')).reason).toContain('No such game');
    expect(await lost.exitCode).toBe(3);
  });

  test('a page that is reloaded comes back into its seat', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    const code = await alice.create();
    // A host alone is still the host afterwards, and the game is open again.
    await alice.page.reload();
    await alice.playing();
    await bob.joinByCode(code);
    const before = await bob.lobby();
    const self = await bob.page.evaluate(() => window.arena.self);
    await bob.page.reload();
    await bob.playing();
    const after = await bob.lobby();
    expect(after).toMatchObject({ id: before.id, me: before.me, epoch: before.epoch });
    expect(await bob.page.evaluate(() => window.arena.self)).toBe(self);
    await alice.ships(2);
    expect((await alice.lobby()).members).toHaveLength(2);
    await alice.page.locator('#chat', { hasText: 'Bob is back' }).waitFor();
  });

  test('when the host leaves everybody is told, and the next one can start again', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    await using carol = await open('?as=carol');
    const code = await alice.create();
    await bob.joinByCode(code);
    await carol.joinByCode(code);
    const { epoch } = await bob.lobby();
    await alice.page.click('#leave');
    await Promise.all([bob.overlayShows(/The host left/), carol.overlayShows(/The host left/)]);
    expect(await alice.page.evaluate(() => window.arena.phase)).toBe('home');

    expect((await bob.lobby()).epoch).toBe(epoch + 1);
    const [next, other] = (await bob.lobby()).isOwner ? [bob, carol] : [carol, bob];
    await other.overlayShows(/Waiting for/);
    await next.page.getByRole('button', { name: 'Play again' }).click();
    await Promise.all([next.playing(), other.playing()]);
    await next.ships(2);
    await other.ships(2);
  });

  test('a host whose page is reloaded comes back as a player of the next host', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    await bob.joinByCode(await alice.create());
    const { me } = await alice.lobby();
    await alice.page.reload();
    await bob.overlayShows(/You are the host now/);
    await bob.page.getByRole('button', { name: 'Play again' }).click();
    await bob.playing();
    await alice.playing();
    expect(await alice.lobby()).toMatchObject({ me, isOwner: false });
    await bob.ships(2);
  });

  test('chat reaches everybody in the lobby, and markup in it stays text', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    await bob.joinByCode(await alice.create());
    await bob.page.fill('#chat-text', 'hello <b>there</b>');
    await bob.page.press('#chat-text', 'Enter');
    await alice.page.locator('#chat', { hasText: 'Bob hello <b>there</b>' }).waitFor();
    expect(await alice.page.locator('#chat b').count()).toBe(0);
  });

  test('two lobbies and two apps on one server do not hear each other', async () => {
    await using alice = await open('?as=alice');
    await using bob = await open('?as=bob');
    await using carol = await open('?as=carol');
    await using dave = await open('?as=dave&app=other');
    const first = await alice.create('public');
    await bob.joinByCode(first);
    await carol.create('public');
    // Another app finds neither the list entry nor the code.
    await dave.page.click('#refresh');
    await dave.page.locator('#games .empty').waitFor();
    await dave.page.fill('#code', first);
    await dave.page.click('#join');
    await dave.noticeShows('No such game');

    await bob.page.fill('#chat-text', 'only for us');
    await bob.page.press('#chat-text', 'Enter');
    await alice.page.locator('#chat', { hasText: 'only for us' }).waitFor();
    await carol.page.fill('#chat-text', 'alone here');
    await carol.page.press('#chat-text', 'Enter');
    // Her own line came back after his: what would have reached her has.
    await carol.page.locator('#chat', { hasText: 'alone here' }).waitFor();
    expect(await carol.page.locator('#chat').textContent()).not.toContain('only for us');
    await carol.ships(1);
    await alice.ships(2);
    expect((await carol.lobby()).members).toHaveLength(1);
  });
});
