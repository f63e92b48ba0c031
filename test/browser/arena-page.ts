import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { Snapshot } from '../../examples/arena/src/game/index.ts';
import type { ArenaInspection } from '../../examples/arena/src/page/inspect.ts';

export type Looks = Pick<BrowserContextOptions, 'viewport' | 'reducedMotion'>;
/** Without a graphics card every pixel is the processor's work: few, and still. */
const plain: Looks = { viewport: { width: 900, height: 560 }, reducedMotion: 'reduce' };

/** One player's page, driven by what a player sees and read through `window.arena`. */
export class ArenaPage implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;

  /** A window of its own: nothing is shared with other pages, keys and storage included. */
  static async open(browser: Browser, url: string, looks: Looks = plain): Promise<ArenaPage> {
    const context = await browser.newContext(looks);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => window.arena !== undefined);
    return new ArenaPage(context, page);
  }

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
  }

  async create(type: 'private' | 'public' = 'private'): Promise<string> {
    await this.page.click(`#create-${type}`);
    await this.playing();
    return (await this.page.locator('#room-code').textContent()) ?? '';
  }

  async joinByCode(code: string): Promise<void> {
    await this.page.fill('#code', code);
    await this.page.click('#join');
    await this.playing();
  }

  /** Until the match is open and a state has been seen. */
  async playing(): Promise<void> {
    await this.page.waitForFunction(
      () => window.arena.phase === 'playing' && window.arena.tick > 0,
    );
  }

  async tick(): Promise<number> {
    return await this.page.evaluate(() => window.arena.tick);
  }

  async reached(tick: number): Promise<void> {
    await this.page.waitForFunction((wanted) => window.arena.tick >= wanted, tick);
  }

  async at(tick: number): Promise<Snapshot | undefined> {
    return await this.page.evaluate((wanted) => window.arena.at(wanted), tick);
  }

  async ships(count: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => window.arena.at(window.arena.tick)?.ships.length === wanted,
      count,
    );
  }

  async lobby(): Promise<NonNullable<ArenaInspection['lobby']>> {
    const lobby = await this.page.evaluate(() => window.arena.lobby);
    if (!lobby) throw new Error('this page is in no lobby');
    return lobby;
  }

  async wires(): Promise<Readonly<Record<number, string>>> {
    return await this.page.evaluate(() => window.arena.wires);
  }

  async noticeShows(text: string | RegExp): Promise<void> {
    await this.page.locator('#notice', { hasText: text }).waitFor();
  }

  /** As a regular expression: text would match in any case. */
  async overlayShows(text: RegExp): Promise<void> {
    await this.page.locator('#overlay', { hasText: text }).waitFor();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
