import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumFlags, chromiumHere, firefoxHere, launchFirefox } from '../browser/browsers.ts';
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

interface Outcome {
  readonly received: number;
  readonly types: readonly string[];
  readonly protocols: readonly string[];
}

/** Runs in a page: two connections that may use nothing but the relay, and 200 messages there and back. */
async function talkThroughRelay(url: string): Promise<Outcome> {
  const config: RTCConfiguration = {
    iceTransportPolicy: 'relay',
    iceServers: [{ urls: url, username: 'alice', credential: 'wonderland' }],
  };
  const [a, b] = [new RTCPeerConnection(config), new RTCPeerConnection(config)];
  a.onicecandidate = ({ candidate }) => void (candidate && b.addIceCandidate(candidate));
  b.onicecandidate = ({ candidate }) => void (candidate && a.addIceCandidate(candidate));
  b.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => channel.send(data);
  };
  const channel = a.createDataChannel('through');
  const opened = new Promise((resolve) => {
    channel.onopen = resolve;
  });
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(a.localDescription as RTCSessionDescription); // just set
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription as RTCSessionDescription);
  await opened;
  let received = 0;
  const all = new Promise<void>((resolve) => {
    channel.onmessage = () => {
      received++;
      if (received === 200) resolve();
    };
  });
  for (let n = 0; n < 200; n++) channel.send(`message ${n} ${'x'.repeat(n * 5)}`);
  await all;
  const stats = [...(await a.getStats()).values()];
  const chosen = stats.find(
    (s) => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded',
  );
  const ends = stats.filter(
    (s) => s.id === chosen?.localCandidateId || s.id === chosen?.remoteCandidateId,
  );
  a.close();
  b.close();
  return {
    received,
    types: ends.map((s) => s.candidateType),
    protocols: ends.flatMap((s) => s.relayProtocol ?? []),
  };
}

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
        const outcome = await page.evaluate(talkThroughRelay, urlOf(relay.port));
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
        const outcome = await page.evaluate(talkThroughRelay, urlOf(relay.port));
        expect(outcome).toMatchObject({ received: 200, types: ['relay', 'relay'] });
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});
