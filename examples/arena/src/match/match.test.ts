import { LoopbackHub, Multiplayer, type MultiplayerPeer, SERVER } from 'partyline';
import { VirtualClock } from 'partyline/testing';
import { expect, test } from 'vitest';
import { decide } from '../bot/brain.ts';
import {
  encodeSnapshot,
  type GameEvent,
  MAX_SNAPSHOT_BYTES,
  newGame,
  rules,
} from '../game/index.ts';
import { ClientMatch } from './client-match.ts';
import { HostMatch } from './host-match.ts';
import { type MatchCalls, matchRpcs } from './rpcs.ts';

const nothing = (): void => {};
const deaf: MatchCalls = {
  onState: nothing,
  onHappened: nothing,
  onLinks: nothing,
  onThrust: nothing,
  onDash: nothing,
};

const TICK_MS = 1000 / rules.ticksPerSecond;

/** A host and clients in one process, on a virtual clock. */
class Table {
  readonly clock = new VirtualClock();
  readonly hub = new LoopbackHub({ scheduler: this.clock });
  readonly told: GameEvent[] = [];
  readonly ended: string[] = [];
  readonly host: HostMatch;
  readonly clients: ClientMatch[] = [];

  constructor() {
    this.host = new HostMatch(this.hub.host, { onEvents: () => {}, onEnded: () => {} }, 7);
  }

  join(): ClientMatch {
    const handlers = {
      onEvents: (events: readonly GameEvent[]): void => void this.told.push(...events),
      onEnded: (reason: string): void => void this.ended.push(reason),
    };
    const client = new ClientMatch(this.peer(), handlers, () => this.clock.now());
    this.clients.push(client);
    return client;
  }

  peer(): MultiplayerPeer {
    const peer = this.hub.join();
    this.clock.advance(100);
    return peer;
  }

  play(ticks: number): void {
    for (let i = 0; i < ticks; i += 1) {
      for (const match of [this.host, ...this.clients]) {
        const { latest } = match.history;
        const input = latest && decide(latest, match.self);
        match.steer(input ?? { x: 0, y: 0 });
        if (input?.dash) match.dash();
        match.tick(this.clock.now());
      }
      this.clock.advance(TICK_MS);
    }
  }
}

test('host and clients have the same state of every tick', () => {
  const table = new Table();
  const clients = [table.join(), table.join()];
  table.play(300);
  const { latest } = table.host.history;
  expect(latest?.ships.map(({ id }) => id)).toEqual([SERVER, ...clients.map(({ self }) => self)]);
  for (const client of clients) {
    expect(client.history.ticks).toEqual(table.host.history.ticks);
    for (const tick of client.history.ticks) {
      expect(client.history.at(tick)).toEqual(table.host.history.at(tick));
    }
  }
  expect(latest?.ships.some(({ score }) => score > 0)).toBe(true);
});

test('clients hear once of everything that happened, and their dashes count', () => {
  const table = new Table();
  const client = table.join();
  table.play(5);
  client.dash();
  table.play(5);
  const dashes = table.told.filter(({ type }) => type === 'dashed');
  expect(dashes).toEqual([{ type: 'dashed', ship: client.self }]);
});

test('the own ship of a client is drawn where the host will see it', () => {
  const table = new Table();
  const client = table.join();
  table.play(60);
  const told = client.history.latest?.ships.find(({ id }) => id === client.self);
  const drawn = client.predicted(table.clock.now());
  expect(
    Math.hypot((drawn?.x ?? 0) - (told?.x ?? 0), (drawn?.y ?? 0) - (told?.y ?? 0)),
  ).toBeLessThan(40);
});

test('clients know how the host reaches the others', () => {
  const table = new Table();
  const [one, two] = [table.join(), table.join()];
  table.play(rules.ticksPerSecond);
  expect(one.link(SERVER)?.wire).toBe('loopback');
  expect(one.link(two.self)?.wire).toBe('loopback');
  expect(table.host.link(SERVER)).toBeUndefined();
});

test('when the host closes, every client is told the reason, once', async () => {
  const table = new Table();
  table.join();
  table.join();
  table.play(3);
  const closed = table.host.close('the host left');
  table.clock.advance(1000);
  await closed;
  expect(table.ended).toEqual(['the host left', 'the host left']);
});

test('a client that leaves is gone from the next state, and hears nothing of its own leaving', async () => {
  const table = new Table();
  const [client] = [table.join(), table.join()];
  table.play(3);
  const closed = client.close('left');
  table.clock.advance(1000);
  await closed;
  table.clients.shift();
  table.play(2);
  expect(table.host.history.latest?.ships).toHaveLength(2);
  expect(table.ended).toEqual([]);
});

test('a client that says what the state is, is not believed', () => {
  const table = new Table();
  const client = table.join();
  const cheat = new Multiplayer();
  const rpcs = cheat.object('arena', matchRpcs(deaf));
  cheat.peer = table.peer();
  table.play(2);
  // The cheat thinks of itself as the authority, so that nothing stops it on its own side.
  rpcs.authority = cheat.id;
  const forged = { ...newGame(1), tick: 1000 };
  rpcs.rpcId(client.self, 'state', encodeSnapshot(forged));
  rpcs.rpcId(client.self, 'happened', 1000, [{ type: 'roundStarted' }]);
  rpcs.rpcId(SERVER, 'state', encodeSnapshot(forged));
  table.clock.advance(100);
  expect(client.history.latest?.tick).toBe(2);
  expect(table.host.history.latest?.tick).toBe(2);
  expect(table.told.map(({ type }) => type)).not.toContain('roundStarted');
});

test.each([
  ['state', [new Uint8Array(MAX_SNAPSHOT_BYTES + 1)]],
  ['state', ['text']],
  ['happened', [1, 'text']],
  ['happened', [1, [{ type: 'exploded' }]]],
  ['happened', [1, [{ type: 'rammed', by: 'a', ship: 2, gems: 1 }]]],
  ['happened', [1, [{ type: 'toString' }]]],
  ['happened', [1, [null]]],
  ['happened', [1, new Array(1000).fill({ type: 'roundStarted' })]],
  ['thrust', [new Uint8Array(9)]],
  ['links', ['text']],
  ['links', [[{ id: 1, wire: 7 }]]],
  ['links', [new Array(9).fill({ id: 1, wire: 'relay' })]],
] as const)('%s with %j is refused before it reaches the game', (name, args) => {
  const rpcs = matchRpcs(deaf);
  expect(() => rpcs[name].validate?.(args)).toThrow(TypeError);
});
