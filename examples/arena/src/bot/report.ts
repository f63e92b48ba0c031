import { ranking, type ShipId, type Snapshot } from '../game/index.ts';
import type { BotOptions } from './options.ts';

/** What a bot has to say; `--json` prints these as they are. */
export type BotLine =
  | {
      readonly type: 'joined';
      readonly code: string;
      readonly host: string;
      readonly players: number;
    }
  | { readonly type: 'waiting'; readonly host: string }
  | { readonly type: 'playing'; readonly self: ShipId; readonly wire: string }
  | { readonly type: 'wire'; readonly wire: string }
  | { readonly type: 'standing'; readonly tick: number; readonly scores: readonly Standing[] }
  | { readonly type: 'rammed'; readonly by: string; readonly ship: string; readonly gems: number }
  | { readonly type: 'round'; readonly winner: string | undefined; readonly score: number }
  | {
      readonly type: 'result';
      readonly self: ShipId;
      readonly wire: string;
      readonly score: number;
      /** Ticks seen of those that were played. */
      readonly seen: number;
      readonly snapshot: Snapshot;
    }
  | { readonly type: 'ended'; readonly end: string; readonly reason: string };

export interface Standing {
  readonly name: string;
  readonly score: number;
}

/** Prints lines for eyes or for programs. */
export class Report {
  readonly #json: boolean;
  readonly #write: (line: string) => void;

  constructor({ json }: Pick<BotOptions, 'json'>, write: (line: string) => void) {
    this.#json = json;
    this.#write = write;
  }

  say(line: BotLine): void {
    this.#write(this.#json ? JSON.stringify(line) : sentence(line));
  }
}

export function standings(snapshot: Snapshot, nameOf: (id: ShipId) => string): Standing[] {
  return ranking(snapshot.ships).map(({ id, score }) => ({ name: nameOf(id), score }));
}

function sentence(line: BotLine): string {
  switch (line.type) {
    case 'joined':
      return `In lobby ${line.code} of ${line.host}, ${line.players} here.`;
    case 'waiting':
      return `Waiting for ${line.host} to start the game.`;
    case 'playing':
      return `Playing as ship ${line.self}, connected to the host by ${line.wire}. Ctrl+C leaves.`;
    case 'wire':
      return `Now connected by ${line.wire}.`;
    case 'standing':
      return `tick ${line.tick}: ${line.scores.map((s) => `${s.name} ${s.score}`).join(', ')}`;
    case 'rammed':
      return `${line.by} rammed ${line.ship}, who dropped ${gems(line.gems)}.`;
    case 'round':
      return line.winner === undefined
        ? 'The round is over: a draw.'
        : `The round is over: ${line.winner} wins with ${gems(line.score)}.`;
    case 'result':
      return `Done at tick ${line.snapshot.tick} with ${gems(line.score)}, by ${line.wire}; saw ${line.seen} ticks.`;
    case 'ended':
      return line.reason;
  }
}

function gems(count: number): string {
  return `${count} gem${count === 1 ? '' : 's'}`;
}
