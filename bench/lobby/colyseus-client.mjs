import { Client } from '@colyseus/sdk';
import { answerMeasurer } from '../measured.ts';
import { load, relayThrough, repeat } from './load.ts';

const url = `ws://127.0.0.1:${process.argv[2]}`;
const payload = new Uint8Array(load.messageBytes);
const opened = [];
let pairs;

answerMeasurer(0, {
  /** A room always comes with a connection of its own. */
  create: (count) =>
    repeat(count, load.createsInFlight, async () => {
      opened.push(await new Client(url).create('pair'));
    }),

  /** A new guest each time: its sign-in gives the token that the room asks for. */
  createAsGuest: (count) =>
    repeat(count, load.createsInFlight, async () => {
      const client = new Client(url);
      await client.auth.signInAnonymously();
      opened.push(await client.create('guestPair'));
    }),

  leaveAll: async () => {
    await Promise.all(opened.splice(0).map((room) => room.leave()));
  },

  relay: async (count) => relayThrough(pairs, count),

  openPairs: async (count) => {
    pairs = await Promise.all(Array.from({ length: count }, openPair));
  },
});

async function openPair() {
  const sender = await new Client(url).create('pair');
  const receiver = await new Client(url).joinById(sender.roomId);
  const pair = { send: () => sender.sendBytes('m', payload), onArrival: () => {} };
  receiver.onMessage('m', () => pair.onArrival());
  return pair;
}
