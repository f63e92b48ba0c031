import { createInterface } from 'node:readline';
import type {
  IceAgent,
  IceAgentOptions,
  IceCredentials,
  IceSelectedPair,
} from '../../packages/partyline/src/ice/index.ts';
import { IceHost, type IceServerUrls } from '../../packages/partyline/src/node/index.ts';

/** What the rig says to a peer: one JSON object a line. */
export type PeerCommand =
  | {
      readonly type: 'open';
      readonly servers: readonly IceServerUrls[];
      readonly options: Omit<IceAgentOptions, 'crypto'>;
      readonly mapsPorts?: boolean;
    }
  | { readonly type: 'credentials'; readonly credentials: IceCredentials }
  | { readonly type: 'candidate'; readonly text: string }
  | { readonly type: 'endOfCandidates' }
  | { readonly type: 'send'; readonly text: string }
  /** Numbered datagrams every so many milliseconds, counted by the other side from its own `stream` on. */
  | { readonly type: 'stream'; readonly everyMs: number }
  /** Asks for a `streamed`. */
  | { readonly type: 'tally' }
  | { readonly type: 'close' };

/** What a peer says: one JSON object a line, with the machine's clock in milliseconds. */
export type PeerLine = { readonly at: number } & (
  | { readonly type: 'ready' }
  | { readonly type: 'opened'; readonly credentials: IceCredentials }
  | { readonly type: 'candidate'; readonly text: string }
  | { readonly type: 'endOfCandidates' }
  | { readonly type: 'state'; readonly state: string; readonly failure: string | undefined }
  | { readonly type: 'pair'; readonly pair: IceSelectedPair }
  | { readonly type: 'datagram'; readonly text: string }
  /** Datagrams that came by `stream`: how many, and the longest wait between two. */
  | { readonly type: 'streamed'; readonly count: number; readonly gapMs: number }
  | { readonly type: 'closed' }
);

type Told = PeerLine extends infer Line ? (Line extends unknown ? Omit<Line, 'at'> : never) : never;

/** One player in a namespace of the lab: opens an agent when told, and tells what happens. */
class LabPeer {
  #host: IceHost | undefined;
  #agent: IceAgent | undefined;
  #streaming: NodeJS.Timeout | undefined;
  #number = 0;
  #streamed = { count: 0, gapMs: 0, lastAt: 0 };

  async handle(command: PeerCommand): Promise<void> {
    if (command.type === 'open') await this.#open(command);
    else if (command.type === 'close') await this.#close();
    else this.#drive(command);
  }

  async #open({
    servers,
    options,
    mapsPorts = false,
  }: Extract<PeerCommand, { type: 'open' }>): Promise<void> {
    const host = await IceHost.open({
      servers,
      mapsPorts,
      interfacesEveryMs: 200,
      tls: { rejectUnauthorized: false },
    });
    this.#host = host;
    const agent = host.openAgent(options, (event) => {
      if (event.type === 'localCandidate') tell({ type: 'candidate', text: event.text });
      else if (event.type === 'endOfLocalCandidates') tell({ type: 'endOfCandidates' });
      else if (event.type === 'stateChanged') {
        tell({ type: 'state', state: event.state, failure: event.failure });
      } else if (event.type === 'selectedPairChanged') tell({ type: 'pair', pair: event.pair });
      else if (event.type === 'datagram') this.#hear(new TextDecoder().decode(event.bytes));
    });
    this.#agent = agent;
    tell({ type: 'opened', credentials: agent.credentials });
  }

  #drive(command: Exclude<PeerCommand, { type: 'open' | 'close' }>): void {
    const [host, agent] = [this.#host, this.#agent];
    if (host === undefined || agent === undefined) return;
    if (command.type === 'credentials') {
      agent.setRemoteCredentials(host.now(), command.credentials);
    } else if (command.type === 'candidate') host.addRemoteCandidate(agent, command.text);
    else if (command.type === 'endOfCandidates') agent.endOfRemoteCandidates(host.now());
    else if (command.type === 'send') this.#send(command.text);
    else if (command.type === 'stream') this.#stream(command.everyMs);
    else {
      const { count, gapMs } = this.#streamed;
      tell({ type: 'streamed', count, gapMs });
    }
    host.touch(agent);
  }

  #send(text: string): void {
    const [host, agent] = [this.#host, this.#agent];
    if (host === undefined || agent === undefined) return;
    agent.send(host.now(), new TextEncoder().encode(text));
    host.touch(agent);
  }

  #stream(everyMs: number): void {
    clearInterval(this.#streaming);
    this.#streamed = { count: 0, gapMs: 0, lastAt: 0 };
    this.#streaming = setInterval(() => this.#send(`stream ${this.#number++}`), everyMs);
  }

  #hear(text: string): void {
    if (!text.startsWith('stream ')) {
      tell({ type: 'datagram', text });
      return;
    }
    const now = performance.now();
    const { lastAt } = this.#streamed;
    if (lastAt > 0) this.#streamed.gapMs = Math.max(this.#streamed.gapMs, now - lastAt);
    this.#streamed.lastAt = now;
    this.#streamed.count += 1;
  }

  async #close(): Promise<void> {
    clearInterval(this.#streaming);
    await this.#host?.close();
    this.#host = undefined;
    this.#agent = undefined;
    tell({ type: 'closed' });
  }
}

function tell(line: Told): void {
  process.stdout.write(
    `${JSON.stringify({ ...line, at: performance.timeOrigin + performance.now() })}\n`,
  );
}

const peer = new LabPeer();
tell({ type: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  // Only the rig writes here.
  await peer.handle(JSON.parse(line) as PeerCommand);
}
