import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import puppeteer from 'puppeteer-core';
import { expect, test } from 'vitest';
import { startBot } from './bot.ts';
import { chromiumFlags, chromiumHere, xvfbHere } from './browsers.ts';
import { startServer } from './server.ts';

const missing = chromiumHere.missing || xvfbHere.missing;

/** Drivers switch throttling off; a player's browser has it. */
const unlikePlayers = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

test.skipIf(missing)(
  `a host in a hidden tab keeps its rate while the page's own timers are slowed ${missing}`,
  async () => {
    await using server = await startServer();
    await using screen = await startDisplay();
    // Not by playwright: it makes every page believe that it is in front.
    const browser = await puppeteer.launch({
      browser: 'chrome',
      executablePath: chromiumHere.path,
      headless: false,
      args: chromiumFlags,
      ignoreDefaultArgs: unlikePlayers,
      env: { ...process.env, DISPLAY: screen.name },
    });
    await using _browser = { [Symbol.asyncDispose]: () => browser.close() };
    const host = await browser.newPage();
    await host.goto(server.page('?as=alice'));
    await host.waitForSelector('#create-private:not(:disabled)');
    await host.click('#create-private');
    await host.waitForFunction(() => window.arena.tick > 0);
    const code = await host.evaluate(() => window.arena.lobby?.code ?? '');
    await using bot = startBot([code, '--server', server.url, '--ticks', '450']);
    await bot.line('playing');

    const other = await browser.newPage();
    await other.bringToFront();
    await host.waitForFunction(() => document.visibilityState === 'hidden', { polling: 100 });
    await host.evaluate(() => {
      const plain = { count: 0 };
      setInterval(() => {
        plain.count += 1;
      }, 1000 / 30);
      Object.assign(window, { plain, since: performance.now(), tickThen: window.arena.tick });
    });
    const result = await bot.line('result');
    const { seconds, ticks, timers } = await host.evaluate(() => {
      const { plain, since, tickThen } = window as unknown as {
        plain: { count: number };
        since: number;
        tickThen: number;
      }; // put there just before
      return {
        seconds: (performance.now() - since) / 1000,
        ticks: window.arena.tick - tickThen,
        timers: plain.count,
      };
    });
    const rates = { ticks: ticks / seconds, timers: timers / seconds };
    process.stdout.write(
      `hidden tab, ${seconds.toFixed(1)} s: ${rates.ticks.toFixed(2)} ticks/s, ` +
        `${rates.timers.toFixed(2)} of the page's own 30 timers/s; the bot saw ${result.seen} of 451\n`,
    );
    expect(seconds).toBeGreaterThan(5);
    // Otherwise nothing was hidden, and the test would prove nothing.
    expect(rates.timers).toBeLessThan(5);
    expect(rates.ticks).toBeGreaterThan(28);
    expect(rates.ticks).toBeLessThan(31);
    expect(result.seen).toBeGreaterThan(400);
  },
);

/** Xvfb on a display number that it chooses itself. */
async function startDisplay(): Promise<AsyncDisposable & { readonly name: string }> {
  const child = spawn(
    xvfbHere.path,
    ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  const pipe = child.stdio[3];
  if (!pipe || !('read' in pipe)) throw new Error('Xvfb was started without its pipe');
  const [number] = await once(createInterface({ input: pipe }), 'line');
  return {
    name: `:${number}`,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
  };
}
