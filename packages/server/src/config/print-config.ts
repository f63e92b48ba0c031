import type { LoadedConfig } from './load-config.ts';
import { configSchema } from './schema.ts';
import { environmentName, settings } from './settings.ts';

/** Every value and where it came from, one a line; keys are never shown. */
export function printConfig({ config, sources }: LoadedConfig): string {
  const rows = settings.map(({ name, secret }) => ({
    name,
    value: secret && config[name] !== undefined ? '(hidden)' : print(config[name]),
    source: sources[name] ?? 'default',
  }));
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .map(({ name, value, source }) => `${name.padEnd(width)}  ${value}  (${source})`)
    .join('\n');
}

function print(value: unknown): string {
  return JSON.stringify(value, hideKeys) ?? '(none)';
}

/** The secrets that the configuration can hold: an app's JWT key may be a shared one, and the relay's. */
function hideKeys(name: string, value: unknown): unknown {
  return hidden.includes(name) ? '(hidden)' : value;
}

const hidden: readonly string[] = ['key', 'secret'];

/** For `partyline serve --help`. */
export function printFlags(): string {
  const defaults = configSchema.parse({});
  const rows = settings.map((setting) => ({
    flag: `--${setting.flag}${setting.value ? ` ${setting.value}` : ''}`,
    help: `${setting.help}${defaultOf(defaults[setting.name])} (${environmentName(setting)})`,
  }));
  return rows.map(({ flag, help }) => `  ${flag}\n      ${help}`).join('\n');
}

/** Of what fits into a sentence; docs/config.md has the rest. */
function defaultOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? ` Default: ${value}.` : '';
}
