import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerLine } from './ice-peer.ts';
import type { RemotePeer } from './lab.ts';

type Streamed = Extract<PeerLine, { type: 'streamed' }>;
type PairLine = Extract<PeerLine, { type: 'pair' }>;

/** The pair that data takes at this end. */
export function selectedPair(peer: RemotePeer): PairLine['pair'] | undefined {
  return peer.lines.findLast((line): line is PairLine => line.type === 'pair')?.pair;
}

/** A datagram each way, said again until it is heard. */
export async function talk(a: RemotePeer, b: RemotePeer): Promise<void> {
  const text = String(Math.random());
  const heard = [a, b].map((peer) =>
    peer.until((line) => line.type === 'datagram' && line.text === text),
  );
  const timer = setInterval(() => {
    for (const peer of [a, b]) peer.tell({ type: 'send', text });
  }, 100);
  try {
    await Promise.all(heard);
  } finally {
    clearInterval(timer);
  }
}

/** Both stream from now on, as a game does: 50 datagrams a second. */
export async function play(a: RemotePeer, b: RemotePeer): Promise<void> {
  for (const peer of [a, b]) peer.tell({ type: 'stream', everyMs: 20 });
  await heardMore(a, b, 20);
}

/**
 * Waits until both have heard so many more datagrams of the stream; the longest silence that either
 * had since {@link play}, in milliseconds. @throws Error when it takes longer than 15 s
 */
export async function heardMore(a: RemotePeer, b: RemotePeer, more: number): Promise<number> {
  const peers = [a, b];
  const from = await Promise.all(peers.map(tally));
  for (const deadline = performance.now() + 15_000; performance.now() < deadline; ) {
    await sleep(50);
    const now = await Promise.all(peers.map(tally));
    if (now.every(({ count }, i) => count >= (from[i]?.count ?? 0) + more)) {
      return Math.max(...now.map(({ gapMs }) => gapMs));
    }
  }
  const lines = peers.map((peer) => JSON.stringify(peer.lines.slice(-6)));
  throw new Error(`the stream does not come through:\n${lines.join('\n')}`);
}

async function tally(peer: RemotePeer): Promise<Streamed> {
  const told = peer.until((line): line is Streamed => line.type === 'streamed');
  peer.tell({ type: 'tally' });
  return await told;
}
