import { parseArgs } from 'node:util';

export interface BotOptions {
  /** A code, or anything else that `lobbies.join` takes. */
  readonly target: string;
  readonly server: string;
  readonly app: string;
  readonly name: string;
  /** Ticks to play; `undefined`: until somebody ends it. */
  readonly ticks: number | undefined;
  /** One JSON object a line instead of sentences. */
  readonly json: boolean;
}

export const usage = `A player for the arena that needs no browser.

  npm run bot -- CODE [--server URL] [--name NAME] [--app APP] [--ticks N] [--json]

  CODE       the code or the invite link of the lobby
  --server   where the server is; default http://127.0.0.1:7777, or the link's
  --name     what the others see; default Bot
  --app      the game's name at the server; default arena
  --ticks    plays so many ticks (30 a second), reports and leaves; default: plays on
  --json     one JSON object a line, for programs

  Ends with 0 after --ticks or Ctrl+C, 2 on a wrong call, 3 when it cannot join or connect,
  4 when the host removed it, 5 when the game ended under it.`;

/** The end of the program, as told to the shell. */
export const exitCodes = { done: 0, usage: 2, notConnected: 3, kicked: 4, gameEnded: 5 } as const;
export type BotEnd = keyof typeof exitCodes;

/** A sentence for the caller when the arguments make no sense. */
export function readOptions(args: readonly string[]): BotOptions | string {
  const parsed = parse(args);
  if (typeof parsed === 'string') return parsed;
  const { values, positionals } = parsed;
  const [target] = positionals;
  if (target === undefined || positionals.length > 1) return 'Which lobby? Give its code.';
  const ticks = values.ticks === undefined ? undefined : Number(values.ticks);
  if (ticks !== undefined && !(Number.isInteger(ticks) && ticks > 0)) {
    return '--ticks takes a whole number over 0.';
  }
  const server = values.server ?? originOf(target) ?? 'http://127.0.0.1:7777';
  const { app = 'arena', name = 'Bot', json = false } = values;
  return { target, server, app, name, ticks, json };
}

const known = {
  server: { type: 'string' },
  app: { type: 'string' },
  name: { type: 'string' },
  ticks: { type: 'string' },
  json: { type: 'boolean' },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: known, allowPositionals: true });
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}`;
  }
}

/** An invite link says where its server is: the page came from there. */
function originOf(target: string): string | undefined {
  try {
    const url = new URL(target);
    return url.searchParams.get('server') ?? url.origin;
  } catch {
    return undefined;
  }
}
