import type { PartylineServer } from '@partyline/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NetError, netErrorCodes } from '../../../packages/partyline/src/base/index.ts';
import { type Lobby, Session } from '../../../packages/partyline/src/client/index.ts';
import { nodeCrypto } from '../../../packages/partyline/src/node/crypto.ts';
import { nodeScheduler } from '../../../packages/partyline/src/node/scheduler.ts';
import { nodeSockets } from '../../../packages/partyline/src/node/sockets.ts';
import { type Cut, CuttingSockets } from './cutting-sockets.ts';
import { startTestServer } from './real-server.ts';

/** More messages than a whole run has, each way. */
const MORE_THAN_ALL = 100;
/** Nothing here may wait longer: the time-outs below are shorter. */
const PATIENCE_MS = 8000;

const impatient = {
  app: 'game',
  connectTimeoutMs: 1000,
  requestTimeoutMs: 500,
  reconnect: { minDelayMs: 10, maxDelayMs: 100 },
};

interface Run {
  /** What became of each call, by its name. */
  readonly outcomes: readonly string[];
  readonly sockets: CuttingSockets;
}

/** Login, create, join, signal, and the rest, one after another; every call is seen to end. */
async function run(server: PartylineServer, friend: Lobby | undefined, cut: Cut): Promise<Run> {
  const sockets = new CuttingSockets(nodeSockets, cut);
  const environment = { crypto: nodeCrypto, scheduler: nodeScheduler, sockets };
  const outcomes: string[] = [];
  const step = async <T>(name: string, call: () => Promise<T>): Promise<T | undefined> => {
    try {
      const result = await within(name, call());
      outcomes.push(`${name} ok`);
      return result;
    } catch (error) {
      if (!(error instanceof NetError) || !(error.code in netErrorCodes)) throw error;
      outcomes.push(`${name} ${error.code}`);
      return undefined;
    }
  };
  const session = await step('connect', () =>
    Session.open(environment, { ...impatient, server: server.url }),
  );
  if (!session) return { outcomes, sockets };
  let ends = 0;
  session.events.on('ended', () => ends++);
  const mine = await step('create', () => session.lobbies.create());
  if (mine) {
    await step('setData', () => mine.setData({ map: 'ice' }));
    await step('relayTicket', () => mine.relayTicket());
    await step('leave', () => mine.leave());
  }
  const joined = friend && (await step('join', () => session.lobbies.join(friend.code)));
  if (joined) {
    await step('signal', () => echo(joined, friend));
    await step('chat', () => joined.chat('hello'));
  }
  await step('list', () => session.lobbies.list());
  await step('close', () => session.close());
  expect([session.state, ends, session.lobbies.joined.size]).toEqual(['closed', 1, 0]);
  return { outcomes, sockets };
}

/** A signal to the friend and one back. Best effort: without an answer it is over after a while, too. */
async function echo(joined: Lobby, friend: Lobby): Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  const answered = new Promise<void>((resolve) =>
    joined.signaling.events.on('signal', () => resolve(), { signal }),
  );
  friend.signaling.events.on(
    'signal',
    ({ from, payload }) => friend.signaling.send(from, payload),
    { signal },
  );
  joined.signaling.send(friend.me.id, Uint8Array.of(1));
  await Promise.race([answered, sleep(100)]);
  ending.abort();
}

async function within<T>(name: string, promise: Promise<T>): Promise<T> {
  const late = sleep(PATIENCE_MS).then(() => {
    throw new Error(`${name} never ended`);
  });
  late.catch(() => {}); // when it lost the race
  return await Promise.race([promise, late]);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}

describe.each(['sent', 'received'] as const)('cut after the n-th message %s', (direction) => {
  let server: PartylineServer;
  let host: Session;
  let friend: Lobby;
  beforeAll(async () => {
    const generous = { perSecond: 10_000, burst: 10_000 };
    server = await startTestServer({ rateLimits: { login: generous, failedJoin: generous } });
    const environment = { crypto: nodeCrypto, scheduler: nodeScheduler, sockets: nodeSockets };
    host = await Session.open(environment, { ...impatient, server: server.url });
    friend = await host.lobbies.create({ capacity: 250 });
  });
  afterAll(async () => {
    await host.close();
    await server.close();
  });

  test('without a cut everything succeeds', async () => {
    const { outcomes } = await run(server, friend, { direction, after: [] });
    expect(outcomes).toEqual([
      'connect ok',
      'create ok',
      'setData ok',
      'relayTicket ok',
      'leave ok',
      'join ok',
      'signal ok',
      'chat ok',
      'list ok',
      'close ok',
    ]);
  });

  test('every call ends with a reason, and what comes after the reconnect works', async () => {
    const seen = new Set<string>();
    for (let after = 1; after < MORE_THAN_ALL; after++) {
      const { outcomes, sockets } = await run(server, friend, { direction, after: [after] });
      for (const outcome of outcomes) seen.add(outcome);
      expect(outcomes.at(-1), `after ${after}`).toMatch(/^connect |^close ok/);
      // One cut costs one call at most: the next ones wait for the reconnect.
      const failed = outcomes.filter((outcome) => !outcome.endsWith(' ok'));
      expect(failed.length, `after ${after}: ${failed}`).toBeLessThanOrEqual(1);
      if (!sockets.hasCut) break;
    }
    const lost = [...seen].filter((outcome) => outcome.endsWith('CONNECTION_LOST'));
    expect(lost).toContain('connect CONNECTION_LOST');
    if (direction === 'sent') {
      expect(lost).toEqual(
        expect.arrayContaining(['create CONNECTION_LOST', 'join CONNECTION_LOST']),
      );
    }
  }, 60_000);

  test('every call ends with a reason when the resume is cut, too', async () => {
    for (let after = 1; after < MORE_THAN_ALL; after++) {
      for (const more of [1, 2, 3]) {
        const cut = { direction, after: [after, after + more] };
        const { outcomes, sockets } = await run(server, friend, cut);
        expect(outcomes.at(-1), `after ${cut.after}`).toMatch(/^connect |^close ok/);
        if (!sockets.hasCut) return;
      }
    }
  }, 60_000);
});

describe.each(['sent', 'received'] as const)(
  'server stopped at the n-th message %s',
  (direction) => {
    test('every call ends with a reason', async () => {
      const seen = new Set<string>();
      for (let after = 1; after < MORE_THAN_ALL; after++) {
        const server = await startTestServer({ seatHoldMs: 300, shutdownMs: 100 });
        let stopped: Promise<void> | undefined;
        const kill = (): void => {
          stopped = server.close();
        };
        const { outcomes, sockets } = await run(server, undefined, {
          direction,
          after: [after],
          kill,
        });
        for (const outcome of outcomes) seen.add(outcome);
        await (stopped ?? server.close());
        if (!sockets.hasCut) break;
        expect(outcomes.at(-1), `after ${after}`).toMatch(/^connect |^close ok/);
      }
      const failed = [...seen].filter((outcome) => !outcome.endsWith(' ok'));
      expect(failed.length).toBeGreaterThan(3);
      expect(failed).toContain('connect CONNECTION_LOST');
    }, 60_000);
  },
);
