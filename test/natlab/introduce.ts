import type { IceAgentOptions, IceRole } from '../../packages/partyline/src/ice/index.ts';
import type { IceServerUrls } from '../../packages/partyline/src/node/index.ts';
import type { PeerLine } from './ice-peer.ts';
import type { RemotePeer } from './lab.ts';

export interface Introduction {
  readonly servers: readonly IceServerUrls[];
  readonly options?: Partial<Omit<IceAgentOptions, 'crypto' | 'role'>>;
  /** Default the first one controls. */
  readonly roles?: readonly [IceRole, IceRole];
  /** What signaling makes of a candidate; `undefined` loses it. Default as it is. */
  readonly rewrite?: (text: string, from: RemotePeer) => string | undefined;
}

export interface Outcome {
  readonly state: 'connected' | 'failed';
  readonly failure: string | undefined;
  /** From the command to open to this state, in milliseconds. */
  readonly tookMs: number;
}

export interface Meeting {
  readonly outcomes: readonly [Outcome, Outcome];
  /** Ends signaling and both agents. */
  end(): Promise<void>;
}

type Opened = Extract<PeerLine, { type: 'opened' }>;
type Closed = Extract<PeerLine, { type: 'closed' }>;

/** Opens an agent at either end and carries their signals until they end. */
export async function introduce(
  a: RemotePeer,
  b: RemotePeer,
  {
    servers,
    options = {},
    roles = ['controlling', 'controlled'],
    rewrite = (text) => text,
  }: Introduction,
): Promise<Meeting> {
  const startedAt = performance.timeOrigin + performance.now();
  const signal = (line: PeerLine, from: RemotePeer, to: RemotePeer): void => {
    if (line.type === 'opened') to.tell({ type: 'credentials', credentials: line.credentials });
    else if (line.type === 'candidate') {
      const text = rewrite(line.text, from);
      if (text !== undefined) to.tell({ type: 'candidate', text });
    } else if (line.type === 'endOfCandidates') to.tell({ type: 'endOfCandidates' });
  };
  // What comes before the other side is open would be lost, so both are opened first.
  const early = [hold(a), hold(b)] as const;
  const isOpened = (line: PeerLine): line is Opened => line.type === 'opened';
  const opened = [a.until(isOpened), b.until(isOpened)] as const;
  a.tell({ type: 'open', servers, options: { ...options, role: roles[0] } });
  b.tell({ type: 'open', servers, options: { ...options, role: roles[1] } });
  const outcomes = [outcomeOf(a, startedAt), outcomeOf(b, startedAt)] as const;
  await Promise.all(opened);
  for (const line of early[0]()) signal(line, a, b);
  for (const line of early[1]()) signal(line, b, a);
  const ends = [a.listen((line) => signal(line, a, b)), b.listen((line) => signal(line, b, a))];
  return {
    outcomes: await Promise.all(outcomes),
    end: async () => {
      for (const end of ends) end();
      const isClosed = (line: PeerLine): line is Closed => line.type === 'closed';
      const closed = [a.until(isClosed), b.until(isClosed)];
      for (const peer of [a, b]) peer.tell({ type: 'close' });
      await Promise.all(closed);
    },
  };
}

/** Keeps the lines until it is called, which gives them out. */
function hold(peer: RemotePeer): () => PeerLine[] {
  const lines: PeerLine[] = [];
  const end = peer.listen((line) => lines.push(line));
  return () => {
    end();
    return lines;
  };
}

async function outcomeOf(peer: RemotePeer, startedAt: number): Promise<Outcome> {
  const line = await peer.until(
    (one): one is Extract<PeerLine, { type: 'state' }> =>
      one.type === 'state' && (one.state === 'connected' || one.state === 'failed'),
    40_000,
  );
  const state = line.state === 'connected' ? 'connected' : 'failed';
  return { state, failure: line.failure, tookMs: line.at - startedAt };
}
