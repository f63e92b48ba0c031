import { LoopbackHub, type OpenWirePair } from '../../packages/partyline/src/peers/index.ts';
import {
  SimWire,
  type SimWireConditions,
  VirtualClock,
} from '../../packages/partyline/src/testing/index.ts';
import { describeMultiplayerPeer, type MultiplayerPeerSetup } from './multiplayer-peer-suite.ts';

describeMultiplayerPeer('loopback', () => star());

describeMultiplayerPeer('a simulated wire with latency and jitter', () =>
  star({ latencyMs: 40, jitterMs: 30 }),
);

describeMultiplayerPeer('a simulated wire that loses a fifth, doubles and reorders', () =>
  star({ latencyMs: 40, jitterMs: 80, loss: 0.2, duplicate: 0.2, bytesPerSecond: 4_000_000 }),
);

async function star(conditions?: SimWireConditions): Promise<MultiplayerPeerSetup> {
  const clock = new VirtualClock();
  let seed = 1;
  const openWires: OpenWirePair = (host, client) => {
    const [a, b] = SimWire.pair(clock, conditions, seed++);
    return [a.open(host), b.open(client)];
  };
  const hub = new LoopbackHub({ scheduler: clock, ...(conditions ? { openWires } : {}) });
  const clients = [hub.join(), hub.join()] as const;
  const settle = (): Promise<void> => clock.advanceAsync(5000);
  await settle();
  return {
    host: hub.host,
    clients,
    settle,
    [Symbol.asyncDispose]: async () => {
      const closed = [hub.host, ...clients].map((peer) => peer.close());
      await clock.advanceAsync(20_000);
      await Promise.all(closed);
      if (clock.pendingTimers > 0) throw new Error(`${clock.pendingTimers} timers left behind`);
    },
  };
}
