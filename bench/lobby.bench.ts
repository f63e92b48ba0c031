import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type Measurement, type Row, runBench } from './harness.ts';
import { load } from './lobby/load.ts';
import { Program } from './program.ts';

/** How often a thing is done in one run: about a second's work. */
const counts = { create: 1500, createOpen: 15_000, relay: 150_000 } as const;

/** Between what one run leaves behind and the next. */
const SETTLE_MS = 400;

const program = (name: string): URL => new URL(`lobby/${name}`, import.meta.url);

interface Side extends AsyncDisposable {
  readonly server: Program;
  readonly client: Program;
}

async function startSide(server: string, client: string): Promise<Side> {
  const serverProgram = await Program.start(program(server));
  const clientProgram = await Program.start(program(client), [String(serverProgram.port)]);
  return {
    server: serverProgram,
    client: clientProgram,
    [Symbol.asyncDispose]: async () => {
      await clientProgram[Symbol.asyncDispose]();
      await serverProgram[Symbol.asyncDispose]();
    },
  };
}

/** Things a second, and the server's processor time for one, in microseconds. */
async function measure({ server, client }: Side, task: string, count: number): Promise<number[]> {
  const before = await server.cpuUs();
  const elapsedMs = await client.run(task, count);
  const cpuUs = (await server.cpuUs()) - before;
  return [(count / elapsedMs) * 1000, cpuUs / count];
}

function rows(name: string, thing: string): readonly Row[] {
  return [
    { name, unit: `${thing}/s`, better: 'higher' },
    { name: `${name}, server CPU`, unit: `µs/${thing}`, better: 'lower' },
  ];
}

/** The same, and what it left behind is cleared away outside of the measured time. */
async function measureAndClear(
  side: Side,
  task: string,
  count: number,
  clear: string,
): Promise<number[]> {
  const figures = await measure(side, task, count);
  await side.client.run(clear, 1);
  await sleep(SETTLE_MS); // sockets go on closing behind the last answer, and are nobody's next run
  return figures;
}

function measurements(ours: Side, peer: Side): readonly Measurement[] {
  const creates = (): Promise<number[]> =>
    measureAndClear(ours, 'createFresh', counts.create, 'closeSessions');
  const peerCreates = (task: 'create' | 'createAsGuest') => (): Promise<number[]> =>
    measureAndClear(peer, task, counts.create, 'leaveAll');
  return [
    {
      rows: rows('create, fresh socket with guest login', 'lobby'),
      ours: creates,
      peer: peerCreates('createAsGuest'),
    },
    {
      rows: rows('create, fresh socket with guest login, against a room without login', 'lobby'),
      ours: creates,
      peer: peerCreates('create'),
    },
    {
      rows: rows('create, open sessions', 'lobby'),
      ours: () => measureAndClear(ours, 'createOpen', counts.createOpen, 'leaveLobbies'),
      peer: peerCreates('create'),
    },
    {
      rows: rows(`relay, ${load.messageBytes}-byte frames`, 'message'),
      ours: () => measure(ours, 'relayFrames', counts.relay),
      peer: () => measure(peer, 'relay', counts.relay),
    },
    {
      rows: rows(`relay, ${load.messageBytes}-byte messages between peers`, 'message'),
      ours: () => measure(ours, 'relayPeers', counts.relay),
      peer: () => measure(peer, 'relay', counts.relay),
    },
  ];
}

await using ours = await startSide('partyline-server.ts', 'partyline-client.ts');
await using peer = await startSide('colyseus-server.mjs', 'colyseus-client.mjs');
for (const side of [ours, peer]) await side.client.run('openPairs', load.pairs);

const bench: Bench = {
  name: 'lobby',
  peer: 'Colyseus 0.17',
  load:
    `One server process and one client process a side, on loopback. ${load.createsInFlight} creates in flight, those without a new socket on ${load.openSessions} sessions; ` +
    `${load.pairs} pairs with ${load.messagesInFlight} messages in flight each. A Colyseus room always comes with a socket ` +
    'of its own. Guest logins: ours makes two Ed25519 keys and signs with both, the server verifies both signatures and certifies one key; the lobby is asked for right behind it (startSession). ' +
    'Colyseus has @colyseus/auth 0.17: signInAnonymously() answers with a signed token (HS256), and static onAuth of the room verifies it in the request that creates the room. ' +
    'The other create rows compare with a room that asks for no login. All programs run with NODE_ENV=production and without logs. ' +
    'Signatures by libsodium, which the server installs. Limits of rates and of lobbies a session are off. ' +
    'Frames: one each, on plain WebSockets. Between peers: what a game sends, bundled, acknowledged and sealed end to end.',
  measurements: measurements(ours, peer),
};
await runBench(bench);
