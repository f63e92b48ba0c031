import { expect, test } from 'vitest';
import { nodeCrypto } from '../../packages/partyline/src/node/crypto.ts';
import { loadPeerConnections } from '../../packages/partyline/src/node/peer-connection.ts';
import { nodeScheduler } from '../../packages/partyline/src/node/scheduler.ts';
import { chromiumHere, firefoxHere, launchChromium, launchFirefox } from '../browser/browsers.ts';
import { pageScript } from '../browser/page-script.ts';
import { createMember, type Member } from './webrtc-member.ts';
import type { PageMember } from './webrtc-page.ts';

const MINUTE_MS = 60_000;
const createPeerConnection = await loadPeerConnections();
const script = await pageScript(new URL('webrtc-page.ts', import.meta.url));

/** What playwright's and puppeteer's pages have in common, as far as it is used here. */
interface Page {
  addScriptTag(options: { content: string }): Promise<unknown>;
  exposeFunction(name: string, callback: (payload: string) => void): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
}

/** A member in a page, called by name. */
class InPage {
  readonly #page: Page;
  onSignal: (payload: string) => void = () => {};

  static async open(page: Page): Promise<InPage> {
    const inPage = new InPage(page);
    await page.exposeFunction('sendSignal', (payload) => inPage.onSignal(payload));
    await page.addScriptTag({ content: script });
    return inPage;
  }

  private constructor(page: Page) {
    this.#page = page;
  }

  async call<K extends keyof PageMember>(
    method: K,
    ...args: Parameters<PageMember[K]>
  ): Promise<Awaited<ReturnType<PageMember[K]>>> {
    const result = this.#page.evaluate(`window.member.${method}(...${JSON.stringify(args)})`);
    // The page's own type says what the method gives.
    return result as Promise<Awaited<ReturnType<PageMember[K]>>>;
  }
}

/** A page and this process: `local` is the page's member id, so 1 offers and 3 answers. */
async function meetNode(page: InPage, local: 1 | 3): Promise<Member> {
  const node = createMember({
    local: 2,
    remote: local,
    crypto: nodeCrypto,
    scheduler: nodeScheduler,
    createPeerConnection: () => createPeerConnection(),
    sendSignal: (payload) =>
      void page.call('handleSignal', Buffer.from(payload).toString('base64')).catch(() => {}),
  });
  page.onSignal = (payload) => node.session.handleSignal(Buffer.from(payload, 'base64'));
  await page.call('start', local, 2);
  await Promise.all([node.opened, page.call('opened')]);
  return node;
}

async function exchange(page: InPage, node: Member, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, n) => n);
  await page.call('sendNumbered', count);
  await expect.poll(() => node.received.length, { timeout: 20_000 }).toBe(count);
  expect(node.received.map((b) => new DataView(b.buffer).getUint32(0))).toEqual(numbers);
  for (const n of numbers.slice(0, 100)) {
    node.session.send(Uint8Array.of(0, 0, 0, n, 0, 0, 0, 0), true);
  }
  await expect.poll(() => page.call('receivedNumbers')).toEqual(numbers.slice(0, 100));
}

test.skipIf(chromiumHere.missing).for([1, 3] as const)(
  'Chromium as member %i and Node as member 2: open, and nothing is lost or doubled',
  async (local) => {
    const browser = await launchChromium();
    try {
      const page = await InPage.open(await browser.newPage());
      const node = await meetNode(page, local);
      await exchange(page, node, 2000);
      node.session.close();
      expect(await page.call('closed')).toMatch(/gave up|closed/);
    } finally {
      await browser.close();
    }
  },
);

test.skipIf(chromiumHere.missing)(
  'Chromium and Chromium: ICE restarts asked for by both while packets flow lose none',
  async () => {
    const browser = await launchChromium();
    try {
      const a = await InPage.open(await browser.newPage());
      const b = await InPage.open(await browser.newPage());
      a.onSignal = (payload) => void b.call('handleSignal', payload).catch(() => {});
      b.onSignal = (payload) => void a.call('handleSignal', payload).catch(() => {});
      await a.call('start', 1, 2);
      await b.call('start', 2, 1);
      await Promise.all([a.call('opened'), b.call('opened')]);
      const sending = a.call('sendNumbered', 20_000);
      await a.call('restartIce');
      await b.call('restartIce');
      await sending;
      await a.call('restartIce');
      await a.call('sendNumbered', 0);
      const count = async (): Promise<number> => (await b.call('receivedNumbers')).length;
      await expect.poll(count, { timeout: 30_000 }).toBe(20_000);
      const numbers = await b.call('receivedNumbers');
      expect(numbers.every((n, index) => n === index)).toBe(true);
      expect(await a.call('facts')).toMatchObject({ candidates: { protocol: 'udp' } });
      expect((await a.call('facts')).iceRestarts).toBe(2);
    } finally {
      await browser.close();
    }
  },
);

test.skipIf(chromiumHere.missing)(
  'Chromium saturates Node with unreliable packets for a minute: no second without arrivals',
  async () => {
    const browser = await launchChromium();
    try {
      const page = await InPage.open(await browser.newPage());
      const node = await meetNode(page, 1);
      const perSecond: number[] = [];
      let arrived = 0;
      node.onPacket = () => {
        arrived += 1;
      };
      const clock = setInterval(() => {
        perSecond.push(arrived);
        arrived = 0;
      }, 1000);
      const sent = await page.call('saturate', MINUTE_MS);
      clearInterval(clock);
      console.log(`sent ${sent}, a second: ${Math.min(...perSecond)} to ${Math.max(...perSecond)}`);
      expect(perSecond.length).toBeGreaterThan(50);
      expect(Math.min(...perSecond)).toBeGreaterThan(0);
      expect(node.session.state).toBe('open');
      node.session.close();
    } finally {
      await browser.close();
    }
  },
);

test.skipIf(firefoxHere.missing).for([1, 3] as const)(
  'Firefox as member %i and Node as member 2: open, and nothing is lost or doubled',
  async (local) => {
    const browser = await launchFirefox();
    try {
      const page = await InPage.open(await browser.newPage());
      const node = await meetNode(page, local);
      await exchange(page, node, 2000);
      node.session.close();
    } finally {
      await browser.close();
    }
  },
);
