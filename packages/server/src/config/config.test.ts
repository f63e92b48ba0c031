import { expect, test } from 'vitest';
import {
  ConfigError,
  configSchema,
  environmentName,
  loadConfig,
  parseListenAddress,
  printConfig,
  printFlags,
  settings,
} from './index.ts';

const files =
  (contents: Record<string, unknown>) =>
  (path: string): string | undefined =>
    path in contents ? JSON.stringify(contents[path]) : undefined;

const load = (
  args: string[],
  env: Record<string, string> = {},
  contents: Record<string, unknown> = {},
) => loadConfig({ args, env, readFile: files(contents) });

test('flags are stronger than environment, file, --dev and defaults, in this order', () => {
  const file = { 'partyline.config.json': { seatHoldMs: 3, keepAliveMs: 3, listen: ':3' } };
  const env = { PARTYLINE_SEAT_HOLD_MS: '2', PARTYLINE_KEEP_ALIVE_MS: '2' };
  const { config, sources } = load(['--dev', '--seat-hold-ms', '1'], env, file);
  expect(config).toMatchObject({
    seatHoldMs: 1,
    keepAliveMs: 2,
    listen: ':3',
    codeLength: 4,
    shutdownMs: 3000,
  });
  expect(sources).toEqual({
    dev: '--dev',
    seatHoldMs: '--seat-hold-ms',
    keepAliveMs: 'PARTYLINE_KEEP_ALIVE_MS',
    listen: 'partyline.config.json',
    apps: '--dev',
    codeLength: '--dev',
    logFormat: '--dev',
    logLevel: '--dev',
  });
});

test('--dev listens on loopback only and serves arena and dev', () => {
  const { config } = load(['--dev']);
  expect(config.listen).toBe('127.0.0.1:7777');
  expect(Object.keys(config.apps)).toEqual(['arena', 'dev']);
});

test('apps and mounts are given one by one or as JSON', () => {
  const byFlags = load([
    '--app',
    'a',
    '--app',
    'b,c',
    '--mount',
    'a=./x',
    '--mount',
    'b=y=z',
  ]).config;
  expect(byFlags.apps).toEqual({ a: { guests: true }, b: { guests: true }, c: { guests: true } });
  expect(byFlags.mounts).toEqual({ a: './x', b: 'y=z' });
  const byEnv = load([], {
    PARTYLINE_APPS: '{"a":{"guests":false}}',
    PARTYLINE_MOUNTS: '{"a":"x"}',
  });
  expect(byEnv.config).toMatchObject({ apps: { a: { guests: false } }, mounts: { a: 'x' } });
});

test('overrides of limits leave the others at their defaults', () => {
  const { config } = load([
    '--app',
    'a',
    '--limits',
    '{"sockets":5}',
    '--rate-limits',
    '{"chat":{"perSecond":9,"burst":9}}',
  ]);
  expect(config.limits).toMatchObject({ sockets: 5, socketsPerAddress: 200 });
  expect(config.rateLimits).toMatchObject({ chat: { perSecond: 9 }, login: { burst: 50 } });
});

test.each([
  [['--lissten', '1'], {}, "Unknown option '--lissten'"],
  [['--app', 'a', '--listen', 'x'], {}, 'listen (from --listen): HOST:PORT'],
  [['--app', 'A b'], {}, 'apps.A b (from --app): 1 to 32 of a-z'],
  [['--app', 'a', '--seat-hold-ms', '-1'], {}, 'seat-hold-ms'],
  [['--app', 'a', '--seat-hold-ms=abc'], {}, '--seat-hold-ms: a number, not «abc»'],
  [['--app', 'a', '--mount', 'x'], {}, '--mount: NAME=VALUE'],
  [['--app', 'a', '--log-level', 'loud'], {}, 'logLevel (from --log-level)'],
  [['--app', 'a', '--limits', '{"socket":5}'], {}, 'limits (from --limits): Unrecognized key'],
  [['--app', 'a', '--limits', 'x'], {}, '--limits is not JSON'],
  [['--app', 'a', '--public-url', 'play.example'], {}, 'publicUrl (from --public-url): a URL'],
  [['--config', 'gone.json'], {}, 'There is no file gone.json'],
  [[], {}, 'name your game with --app'],
  [[], { PARTYLINE_DEV: 'yes' }, 'PARTYLINE_DEV: true or false'],
])('%j %j: said in words', (args, env, message) => {
  expect(() => load(args, env)).toThrow(ConfigError);
  expect(() => load(args, env)).toThrow(message);
});

test('a file with an unknown setting is refused, by name', () => {
  const file = { 'partyline.config.json': { port: 80 } };
  expect(() => load([], {}, file)).toThrow('partyline.config.json has «port»');
});

test('--print-config shows every value and its source, and never a key', () => {
  const key = { kty: 'oct', k: 'c2VjcmV0' };
  const jwt = { issuer: 'i', audience: 'a', algorithms: ['HS256'], key };
  const printed = printConfig(load([], { PARTYLINE_APPS: JSON.stringify({ a: { jwt } }) }));
  expect(printed.split('\n')).toHaveLength(settings.length);
  expect(printed).toContain('(PARTYLINE_APPS)');
  expect(printed).toContain('"key":"(hidden)"');
  expect(printed).not.toContain('c2VjcmV0');
});

test('bad JSON is not quoted back: it may hold a secret', () => {
  expect(() => load([], { PARTYLINE_APPS: '{"secret' })).not.toThrow('secret');
});

test('every field of the schema is a setting with flag, environment name and help', () => {
  const fields = Object.keys(configSchema.parse({ apps: { a: {} } }));
  const names = settings.map(({ name }) => name as string);
  expect(fields.filter((field) => !names.includes(field))).toEqual([]);
  for (const setting of settings) {
    expect(printFlags()).toContain(`--${setting.flag}`);
    expect(printFlags()).toContain(environmentName(setting));
  }
});

test.each([
  ['7777', { host: '0.0.0.0', port: 7777 }],
  [':0', { host: '0.0.0.0', port: 0 }],
  ['localhost:80', { host: 'localhost', port: 80 }],
  ['[::1]:80', { host: '::1', port: 80 }],
  ['::1:80', undefined],
  ['host', undefined],
  ['host:70000', undefined],
  ['', undefined],
])('listen address %s', (text, address) => {
  expect(parseListenAddress(text)).toEqual(address);
});
