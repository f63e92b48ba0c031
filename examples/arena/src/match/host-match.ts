import { Multiplayer, type MultiplayerPeer, type RpcObject, SERVER } from 'partyline';
import { decodeSnapshot, encodeThrust, rules, type ShipId } from '../game/index.ts';
import { codeOf } from '../words.ts';
import { History } from './history.ts';
import { HostGame } from './host-game.ts';
import { type LinkStats, linkStats, type Match, type MatchHandlers } from './match.ts';
import { matchRpcs, type PlayerLink } from './rpcs.ts';

/** The match where it is decided. */
export class HostMatch implements Match {
  readonly self: ShipId = SERVER;
  readonly isHost = true;
  /** The host draws the same rounded states as everybody, but they do not travel to it. */
  readonly history: History = new History({ delayTicks: 1 });
  readonly #peer: MultiplayerPeer;
  readonly #multiplayer = new Multiplayer();
  readonly #rpcs: RpcObject<ReturnType<typeof matchRpcs>>;
  readonly #handlers: MatchHandlers;
  readonly #game: HostGame;

  /** @param seed of the game, unsigned 32 bits */
  constructor(peer: MultiplayerPeer, handlers: MatchHandlers, seed: number) {
    this.#peer = peer;
    this.#handlers = handlers;
    this.#game = new HostGame(seed);
    this.#game.join(SERVER);
    this.#rpcs = this.#multiplayer.object(
      'arena',
      matchRpcs({
        onState: () => {},
        onHappened: () => {},
        onLinks: () => {},
        onThrust: (from, bytes) => this.#game.thrust(from, bytes),
        onDash: (from) => this.#game.dash(from),
      }),
    );
    const { events } = this.#multiplayer;
    events.on('peerConnected', ({ id }) => this.#game.join(id));
    events.on('peerDisconnected', ({ id }) => this.#game.leave(id));
    events.on('serverDisconnected', ({ reason }) => handlers.onEnded(reason));
    // Last: whoever is connected already is announced at once.
    this.#multiplayer.peer = peer;
  }

  steer(thrust: { readonly x: number; readonly y: number }): void {
    this.#game.thrust(SERVER, encodeThrust({ number: 0, ...thrust }));
  }

  dash(): void {
    this.#game.dash(SERVER);
  }

  tick(nowMs: number): void {
    const { snapshot, events } = this.#game.tick();
    const seen = decodeSnapshot(snapshot);
    if (seen) this.history.push(seen, nowMs);
    const { tick } = this.#game.state;
    if (events.length > 0) this.#handlers.onEvents(events, tick);
    this.#tell(() => {
      this.#rpcs.rpc('state', snapshot);
      if (events.length > 0) this.#rpcs.rpc('happened', tick, [...events]);
      if (tick % rules.ticksPerSecond === 0) this.#rpcs.rpc('links', this.#links());
    });
  }

  link(id: ShipId): LinkStats | undefined {
    return linkStats(this.#peer, id);
  }

  predicted(): undefined {
    return undefined;
  }

  forget(id: ShipId): void {
    this.#game.leave(id, true);
  }

  async close(reason: string): Promise<void> {
    this.#multiplayer.peer = undefined;
    await this.#peer.close(reason);
  }

  #links(): PlayerLink[] {
    return this.#game.state.ships.flatMap(({ id }) => {
      const link = this.link(id);
      return link ? [{ id, ...link }] : [];
    });
  }

  /** One client that does not keep up must not stop the game of the others: its link will end by itself. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'PEER_BUFFER_FULL' && code !== 'PEER_NOT_CONNECTED') throw error;
    }
  }
}
