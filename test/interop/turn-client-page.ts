import { browserCrypto } from '../../packages/partyline/src/browser/crypto.ts';
import { browserScheduler } from '../../packages/partyline/src/browser/scheduler.ts';
import { browserSockets } from '../../packages/partyline/src/browser/sockets.ts';
import { nobleLegacy } from '../../packages/partyline/src/crypto/legacy/index.ts';
import {
  allocateTurn,
  parseTurnUrl,
  type TurnAllocation,
  webSocketTurnCarriers,
} from '../../packages/partyline/src/turn/index.ts';

/** What a test calls in a page. */
export interface PageTurn {
  /** The relayed address. */
  open(url: string, username: string, password: string): Promise<{ host: string; port: number }>;
  permit(host: string): void;
  /** Echoes what it hears, until it has heard so much. */
  echo(count: number): Promise<number>;
  close(): Promise<void>;
  ended(): string[];
}

declare global {
  interface Window {
    turn: PageTurn;
  }
}

let allocation: TurnAllocation | undefined;
let heard = 0;
let wake = (): void => {};
const ended: string[] = [];

window.turn = {
  open: async (url, username, password) => {
    const endpoint = parseTurnUrl(url);
    if (endpoint?.transport !== 'ws') throw new Error(url);
    allocation = await allocateTurn({
      server: endpoint,
      credential: { username, password },
      carriers: webSocketTurnCarriers(browserSockets, 'ws'),
      crypto: { ...browserCrypto, ...nobleLegacy },
      scheduler: browserScheduler,
      handlers: {
        onReceive: (bytes, { host, port }) => {
          heard += 1;
          allocation?.send(host, port, bytes);
          wake();
        },
        onEnded: ({ code }) => ended.push(code),
      },
    });
    const [relayed] = allocation.relayed;
    if (!relayed) throw new Error('no address');
    return { host: relayed.host, port: relayed.port };
  },
  permit: (host) => void allocation?.permit(host),
  echo: async (count) => {
    while (heard < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return heard;
  },
  close: async () => allocation?.close(),
  ended: () => ended,
};
