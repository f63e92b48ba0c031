import type { StunAddress } from 'partyline/protocol/stun';
import { expect, test } from 'vitest';
import { chromiumHere, firefoxHere, launchChromium, launchFirefox } from '../browser/browsers.ts';
import { pageScript } from '../browser/page-script.ts';
import { ControlClient, testServer } from '../scenario/control-client.ts';
import type { Credential } from '../scenario/turn-probe.ts';
import type { PageTurn } from './turn-client-page.ts';
import { HeardAllocation } from './turn-client-rig.ts';

const script = await pageScript(new URL('turn-client-page.ts', import.meta.url));

/** What playwright's and puppeteer's pages have in common, as far as it is used here. */
interface Page {
  goto(url: string): Promise<unknown>;
  addScriptTag(options: { content: string }): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
}

test.skipIf(chromiumHere.missing !== '')('Chromium', async () => {
  const browser = await launchChromium();
  try {
    await playThroughPage(await browser.newPage());
  } finally {
    await browser.close();
  }
});

test.skipIf(firefoxHere.missing !== '')('Firefox', async () => {
  const browser = await launchFirefox();
  try {
    await playThroughPage(await browser.newPage());
  } finally {
    await browser.close();
  }
});

/** The page’s only way out is a WebSocket; the other player has UDP. */
async function playThroughPage(page: Page): Promise<void> {
  await using server = await testServer();
  const player = await ControlClient.open(server.url);
  await player.login();
  const { username, credential: password }: Credential = await player.call(
    'session.iceServers',
    {},
  );
  await page.goto(`${server.url}/healthz`);
  await page.addScriptTag({ content: script });
  const call = async (method: keyof PageTurn, ...args: unknown[]): Promise<unknown> =>
    await page.evaluate(`turn.${method}(${args.map((arg) => JSON.stringify(arg)).join()})`);

  const url = server.url.replace('http', 'ws');
  const toPage = (await call('open', url, username, password)) as StunAddress;
  await using client = await HeardAllocation.open({
    url: `turn:127.0.0.1:${server.stunPort}`,
    credential: { username, password },
  });
  expect(server.stats().turn?.allocations).toBe(2);
  await call('permit', client.allocation.relayed[0]?.host);
  const { allocation } = client;
  for (let i = 0; i < 100; i++) {
    const text = `${i} `.repeat(i);
    // The page's permission is under way at first; nothing is lost after that.
    const resend = setInterval(
      () => i === 0 && allocation.send(toPage.host, toPage.port, Buffer.from(text)),
      20,
    );
    allocation.send(toPage.host, toPage.port, Buffer.from(text));
    let answer = await client.next();
    while (i > 0 && answer.text === '') answer = await client.next(); // the first one, once more
    clearInterval(resend);
    expect(answer).toEqual({ text, from: `${toPage.host} ${toPage.port}` });
  }
  expect(await call('echo', 100)).toBeGreaterThanOrEqual(100);
  await call('close');
  await expect.poll(() => server.stats().turn?.allocations, { timeout: 10_000 }).toBe(1);
  expect(await call('ended')).toEqual([]);
}
