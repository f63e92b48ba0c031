import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumFlags, chromiumHere, firefoxHere, launchFirefox } from '../browser/browsers.ts';
import { type Ice, talkThroughRelay } from './turn-page.ts';
import { makeCertificate, type RunningRelay, startRelay } from './turn-relay.ts';

const folder = mkdtempSync(join(tmpdir(), 'relay-'));
const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), secret: 'no matter' };
let relay: RunningRelay;

beforeAll(async () => {
  makeCertificate(files.cert, files.key);
  relay = await startRelay(files);
});

afterAll(async () => {
  await relay?.stop();
  rmSync(folder, { recursive: true });
});

const of = (urls: string[]): Ice => ({ urls, username: 'alice', credential: 'wonderland' });

describe.skipIf(chromiumHere.missing !== '')('Chromium, relay only', () => {
  test.each([
    ['udp', (port: number) => `turn:127.0.0.1:${port}?transport=udp`],
    ['tcp', (port: number) => `turn:127.0.0.1:${port}?transport=tcp`],
    ['tls', (port: number) => `turns:127.0.0.1:${port}?transport=tcp`],
  ])(
    'by %s',
    async (protocol, urlOf) => {
      const browser = await chromium.launch({
        executablePath: chromiumHere.path,
        args: [...chromiumFlags, '--ignore-certificate-errors'],
      });
      try {
        const page = await browser.newPage();
        const outcome = await page.evaluate(talkThroughRelay, of([urlOf(relay.port)]));
        expect(outcome).toEqual({
          received: 200,
          types: ['relay', 'relay'],
          protocols: [protocol],
        });
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});

describe.skipIf(firefoxHere.missing !== '')('Firefox, relay only', () => {
  test.each([
    ['udp', (port: number) => `turn:127.0.0.1:${port}?transport=udp`],
    ['tcp', (port: number) => `turn:127.0.0.1:${port}?transport=tcp`],
  ])(
    'by %s',
    async (_, urlOf) => {
      const browser = await launchFirefox();
      try {
        const page = await browser.newPage();
        const outcome = await page.evaluate(talkThroughRelay, of([urlOf(relay.port)]));
        expect(outcome).toMatchObject({ received: 200, types: ['relay', 'relay'] });
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});
