import { Multiplayer, type MultiplayerPeer, type RpcObject, SERVER } from 'partyline';
import { decodeSnapshot, encodeThrust, type Ship, type ShipId } from '../game/index.ts';
import { History } from './history.ts';
import { type LinkStats, linkStats, type Match, type MatchHandlers } from './match.ts';
import { Prediction } from './prediction.ts';
import { matchRpcs } from './rpcs.ts';

/** The match as a client sees it: says what its player wants, and shows what the host says. */
export class ClientMatch implements Match {
  readonly self: ShipId;
  readonly isHost = false;
  readonly history: History = new History();
  readonly #peer: MultiplayerPeer;
  readonly #multiplayer = new Multiplayer();
  readonly #rpcs: RpcObject<ReturnType<typeof matchRpcs>>;
  readonly #prediction = new Prediction();
  readonly #now: () => number;
  #links: ReadonlyMap<ShipId, LinkStats> = new Map();
  #thrust = { x: 0, y: 0 };
  #dashes = false;
  #number = 0;
  #isOver = false;

  /** @param now monotonic, in milliseconds: when states arrive */
  constructor(peer: MultiplayerPeer, handlers: MatchHandlers, now: () => number) {
    this.self = peer.id;
    this.#peer = peer;
    this.#now = now;
    this.#rpcs = this.#multiplayer.object(
      'arena',
      matchRpcs({
        onState: (bytes) => this.#handleState(bytes),
        onHappened: (tick, events) => handlers.onEvents(events, tick),
        onLinks: (links) => {
          this.#links = new Map(links.map((link) => [link.id, link]));
        },
        onThrust: () => {},
        onDash: () => {},
      }),
    );
    const end = ({ reason }: { readonly reason: string }): void => {
      this.#isOver = true;
      handlers.onEnded(reason);
    };
    this.#multiplayer.events.on('serverDisconnected', end);
    this.#multiplayer.events.on('connectionFailed', end);
    this.#multiplayer.peer = peer;
  }

  steer({ x, y }: { readonly x: number; readonly y: number }): void {
    this.#thrust = { x, y };
  }

  dash(): void {
    this.#dashes = true;
  }

  /** Says it again every tick: what gets lost is replaced 33 ms later. */
  tick(nowMs: number): void {
    if (this.#isOver) return;
    this.#number = (this.#number + 1) & 0xff;
    const input = { ...this.#thrust, dash: this.#dashes };
    this.#dashes = false;
    this.#rpcs.rpcId(SERVER, 'thrust', encodeThrust({ number: this.#number, ...input }));
    if (input.dash) this.#rpcs.rpcId(SERVER, 'dash');
    this.#prediction.push(this.#number, input, nowMs);
  }

  link(id: ShipId): LinkStats | undefined {
    return linkStats(this.#peer, id) ?? this.#links.get(id);
  }

  predicted(nowMs: number): Ship | undefined {
    return this.#prediction.ship(nowMs);
  }

  forget(): void {}

  async close(reason: string): Promise<void> {
    this.#isOver = true;
    this.#multiplayer.peer = undefined;
    await this.#peer.close(reason);
  }

  #handleState(bytes: Uint8Array): void {
    const snapshot = decodeSnapshot(bytes);
    if (!snapshot) return;
    this.history.push(snapshot, this.#now());
    this.#prediction.correct(snapshot, this.self);
  }
}
