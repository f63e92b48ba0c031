import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { chromiumHere, launchChromium } from './browsers.ts';
import { pageScript } from './page-script.ts';
import { startServer, type TestServer } from './server.ts';

const script = await pageScript(new URL('mesh-page.ts', import.meta.url));

interface Player {
  readonly page: Page;
  readonly id: number;
  readonly code: string;
}

test.skipIf(chromiumHere.missing)(
  'three pages in a mesh: a link between every two, which outlives the owner',
  async () => {
    await using server = await startServer();
    await using browser = await launchChromium();
    const enter = async (as: string, code?: string): Promise<Player> =>
      await open(await browser.newPage(), server, as, code);
    const ada = await enter('ada');
    const [bob, eve] = await Promise.all([enter('bob', ada.code), enter('eve', ada.code)]);

    for (const { page, id } of [ada, bob, eve]) {
      const others = [ada, bob, eve].filter((player) => player.id !== id);
      await expectWires(page, others);
      await page.evaluate(`mesh.say('all')`);
      for (const other of others) await page.evaluate(`mesh.say('one', ${other.id})`);
    }
    for (const { page, id } of [ada, bob, eve]) {
      const others = [ada, bob, eve].filter((player) => player.id !== id);
      const said = others.flatMap((other) => [`${other.id}:all`, `${other.id}:one`]);
      await page.waitForFunction(`mesh.heard.length >= ${said.length}`);
      expect(sorted(await page.evaluate('mesh.heard'))).toEqual(sorted(said));
      expect(sorted(await page.evaluate('mesh.events'))).toEqual(
        sorted(others.map((other) => `+${other.id}`)),
      );
    }

    await ada.page.evaluate('mesh.leave()');
    for (const [player, other] of [
      [bob, eve],
      [eve, bob],
    ] as const) {
      await player.page.waitForFunction(`mesh.events.includes('-${ada.id}')`);
      await expectWires(player.page, [other]);
    }
    await bob.page.evaluate(`mesh.say('still here', ${eve.id})`);
    await eve.page.waitForFunction(`mesh.heard.includes('${bob.id}:still here')`);
    expect(await eve.page.evaluate('mesh.events.length')).toBe(3); // two came, one went
  },
);

async function open(page: Page, server: TestServer, as: string, code?: string): Promise<Player> {
  await page.goto(`${server.url}/healthz`);
  await page.addScriptTag({ content: script });
  const args = [server.url, as, ...(code === undefined ? [] : [code])];
  const given: string = await page.evaluate(`mesh.enter(...${JSON.stringify(args)})`);
  return { page, id: await page.evaluate('mesh.id'), code: given };
}

/** Until there is a WebRTC link to each of them, and to nobody else. */
async function expectWires(page: Page, others: readonly Player[]): Promise<void> {
  const wires = others.map(({ id }) => id).sort((a, b) => a - b);
  const expected = JSON.stringify(wires.map((id) => `${id} webrtc`));
  await page.waitForFunction(`JSON.stringify(mesh.wires()) === '${expected}'`);
}

function sorted(texts: unknown): string[] {
  return [...(texts as string[])].sort(); // what the page's own type says it is
}
