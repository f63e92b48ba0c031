import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Config } from './config.ts';
import { ConfigError } from './config-error.ts';
import { configSchema } from './schema.ts';
import { environmentName, type Setting, type SettingName, settings } from './settings.ts';

export const CONFIG_FILE = 'partyline.config.json';

/** Where each value came from, for people: `--listen`, `PARTYLINE_LISTEN`, the file, `--dev`, `default`. */
export type Sources = Readonly<Partial<Record<SettingName, string>>>;

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Sources;
}

export interface ConfigSources {
  /** Arguments after `serve`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file; `undefined` when there is none. */
  readonly readFile?: (path: string) => string | undefined;
}

/** A value and what to call its origin. */
interface Found {
  readonly value: unknown;
  readonly source: string;
}

/** What `--dev` means; anything said elsewhere is stronger. */
const devPreset: Readonly<Partial<Record<SettingName, unknown>>> = {
  listen: '127.0.0.1:7777',
  apps: { arena: {}, dev: {} },
  codeLength: 4,
  logFormat: 'pretty',
  logLevel: 'warn',
};

/**
 * Flags over environment over file over `--dev` over defaults; each setting is taken whole from the
 * strongest source that has it. @throws ConfigError with one line for each thing to change.
 */
export function loadConfig({ args, env, readFile = readIfThere }: ConfigSources): LoadedConfig {
  const flags = readFlags(args);
  const configPath = flags.configPath ?? env.PARTYLINE_CONFIG;
  const layers = [flags.found, readEnvironment(env), readConfigFile(configPath, readFile)];
  const found = new Map<SettingName, Found>();
  for (const layer of layers.reverse()) {
    for (const [name, entry] of layer) found.set(name, entry);
  }
  if (found.get('dev')?.value === true) {
    for (const setting of settings) {
      if (setting.name in devPreset && !found.has(setting.name)) {
        found.set(setting.name, { value: devPreset[setting.name], source: '--dev' });
      }
    }
  }
  return check(found);
}

function check(found: ReadonlyMap<SettingName, Found>): LoadedConfig {
  const parsed = configSchema.safeParse(
    Object.fromEntries([...found].map(([name, { value }]) => [name, value])),
  );
  const sources = Object.fromEntries([...found].map(([name, { source }]) => [name, source]));
  if (parsed.success) {
    if (Object.keys(parsed.data.apps).length === 0) {
      throw new ConfigError(
        'No app is configured: name your game with --app my-game, or try --dev.',
      );
    }
    return { config: parsed.data, sources };
  }
  const lines = parsed.error.issues.map((issue) => {
    const path = issue.path.join('.');
    const source = sources[String(issue.path[0])] ?? 'default';
    const said = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message;
    return `${path || 'configuration'} (from ${source}): ${said ?? 'invalid'}`;
  });
  throw new ConfigError(lines.join('\n'));
}

function readFlags(args: readonly string[]): {
  found: Map<SettingName, Found>;
  configPath: string | undefined;
} {
  const options = Object.fromEntries(
    settings.map(({ flag, kind }) => [
      flag,
      kind === 'switch'
        ? ({ type: 'boolean' } as const)
        : ({ type: 'string', multiple: kind === 'pairs' || kind === 'names' } as const),
    ]),
  );
  const { values } = parseFlags(args, { ...options, config: { type: 'string' } });
  const found = new Map<SettingName, Found>();
  for (const setting of settings) {
    const value = values[setting.flag];
    if (value === undefined) continue;
    const source = `--${setting.flag}`;
    found.set(setting.name, { value: fromText(setting, value, source), source });
  }
  const configPath = values.config;
  return { found, configPath: typeof configPath === 'string' ? configPath : undefined };
}

function parseFlags(
  args: readonly string[],
  options: NonNullable<Parameters<typeof parseArgs>[0]>['options'] & {},
): { values: Record<string, string | boolean | (string | boolean)[] | undefined> } {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
  } catch (error) {
    const said = error instanceof Error ? error.message.split('. To specify')[0] : String(error);
    throw new ConfigError(`${said}. Try --help.`);
  }
}

function readEnvironment(env: ConfigSources['env']): Map<SettingName, Found> {
  const found = new Map<SettingName, Found>();
  for (const setting of settings) {
    const source = environmentName(setting);
    const text = env[source];
    if (text === undefined || text === '') continue;
    found.set(setting.name, { value: fromText(setting, text, source), source });
  }
  return found;
}

function readConfigFile(
  path: string | undefined,
  readFile: (path: string) => string | undefined,
): Map<SettingName, Found> {
  const source = path ?? CONFIG_FILE;
  const text = readFile(source);
  if (text === undefined) {
    if (path !== undefined) throw new ConfigError(`There is no file ${path}.`);
    return new Map();
  }
  const value = parseJson(text, source);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${source} must hold one JSON object.`);
  }
  const known = new Map(settings.map(({ name }) => [String(name), name]));
  return new Map(
    Object.entries(value).map(([key, entry]) => {
      const name = known.get(key);
      if (!name) throw new ConfigError(`${source} has «${key}», which is not a setting.`);
      return [name, { value: entry, source }];
    }),
  );
}

function fromText(
  setting: Setting,
  given: string | boolean | readonly (string | boolean)[],
  source: string,
): unknown {
  if (typeof given === 'boolean') return given;
  const texts = (typeof given === 'string' ? [given] : given).map(String);
  const [text = ''] = texts;
  switch (setting.kind) {
    case 'text':
      return text;
    case 'number':
      if (!/^-?\d+(\.\d+)?$/.test(text))
        throw new ConfigError(`${source}: a number, not «${text}».`);
      return Number(text);
    case 'switch':
      if (text !== 'true' && text !== 'false') {
        throw new ConfigError(`${source}: true or false, not «${text}».`);
      }
      return text === 'true';
    case 'json':
      return parseJson(text, source);
    case 'pairs':
      return text.startsWith('{') ? parseJson(text, source) : pairs(split(texts), source);
    case 'names':
      if (text.startsWith('{')) return parseJson(text, source);
      return Object.fromEntries(split(texts).map((name) => [name, {}]));
  }
}

function pairs(texts: readonly string[], source: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new ConfigError(`${source}: NAME=VALUE, not «${text}».`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function split(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(',').map((part) => part.trim())).filter(Boolean);
}

/** The text itself is not quoted: it may hold a secret. */
function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError(`${source} is not JSON.`);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new ConfigError(`${path} cannot be read: ${String(error)}`);
  }
}
