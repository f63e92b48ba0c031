import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import puppeteer, { type Browser as Firefox } from 'puppeteer-core';

export interface Found {
  /** Why its tests are skipped; empty when it is there. */
  readonly missing: string;
  readonly path: string;
}

export const chromiumHere: Found = find('CHROMIUM', '/usr/bin/chromium');
export const firefoxHere: Found = find('FIREFOX', '/usr/bin/firefox-esr');
export const xvfbHere: Found = find('XVFB', '/usr/bin/Xvfb');

/** In CI nothing may be skipped: there a missing browser fails the file. */
function find(variable: string, usual: string): Found {
  const path = process.env[variable] ?? usual;
  const missing = existsSync(path) ? '' : `${path} is missing (set ${variable})`;
  if (missing && process.env.CI) throw new Error(`CI must have every browser: ${missing}`);
  return { missing, path };
}

/** Quiet, and without a sandbox: tests may run as root. */
export const chromiumFlags: string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // No multicast DNS resolves the names that hide local addresses from pages (docs/adr/0042).
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumHere.path, args: chromiumFlags });
}

/** `profile`: a folder that exists. Default: one of its own. */
export function launchFirefox(profile?: string): Promise<Firefox> {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: firefoxHere.path,
    headless: true,
    ...(profile === undefined ? {} : { userDataDir: profile }),
    extraPrefsFirefox: {
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.peerconnection.ice.loopback': true,
    },
  });
}
