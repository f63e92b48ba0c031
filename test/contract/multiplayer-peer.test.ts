import type { MultiplayerPeer } from '../../packages/partyline/src/multiplayer/index.ts';
import {
  LoopbackHub,
  LoopbackMesh,
  type LoopbackOptions,
  type OpenWirePair,
} from '../../packages/partyline/src/peers/index.ts';
import {
  SimWire,
  type SimWireConditions,
  VirtualClock,
} from '../../packages/partyline/src/testing/index.ts';
import {
  describeMesh,
  describeMultiplayerPeer,
  type MultiplayerPeerSetup,
} from './multiplayer-peer-suite.ts';

const calm: SimWireConditions = { latencyMs: 40, jitterMs: 30 };
const bad: SimWireConditions = {
  latencyMs: 40,
  jitterMs: 80,
  loss: 0.2,
  duplicate: 0.2,
  bytesPerSecond: 4_000_000,
};

const wires: readonly [string, SimWireConditions | undefined][] = [
  ['loopback', undefined],
  ['a simulated wire with latency and jitter', calm],
  ['a simulated wire that loses a fifth, doubles and reorders', bad],
];

for (const [wire, conditions] of wires) {
  describeMultiplayerPeer(wire, () =>
    playing(conditions, (options) => {
      const hub = new LoopbackHub(options);
      return [hub.host, hub.join(), hub.join()];
    }),
  );
  describeMesh(wire, () =>
    playing(conditions, (options) => {
      const mesh = new LoopbackMesh(options);
      return [mesh.join(2_000_000_000), mesh.join(7), mesh.join(300)];
    }),
  );
}

async function playing(
  conditions: SimWireConditions | undefined,
  open: (options: LoopbackOptions) => [MultiplayerPeer, MultiplayerPeer, MultiplayerPeer],
): Promise<MultiplayerPeerSetup> {
  const clock = new VirtualClock();
  let seed = 1;
  const openWires: OpenWirePair = (host, client) => {
    const [a, b] = SimWire.pair(clock, conditions, seed++);
    return [a.open(host), b.open(client)];
  };
  const peers = open({ scheduler: clock, ...(conditions ? { openWires } : {}) });
  const [host, ...clients] = peers;
  const settle = (): Promise<void> => clock.advanceAsync(5000);
  await settle();
  return {
    host,
    clients,
    settle,
    [Symbol.asyncDispose]: async () => {
      const closed = peers.map((peer) => peer.close());
      await clock.advanceAsync(20_000);
      await Promise.all(closed);
      if (clock.pendingTimers > 0) throw new Error(`${clock.pendingTimers} timers left behind`);
    },
  };
}
