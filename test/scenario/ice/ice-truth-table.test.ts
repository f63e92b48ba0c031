import { describe, expect, test } from 'vitest';
import { SimWorld } from './sim-world.ts';
import { isDirect, natPairs } from './truth-table.ts';

describe.each(['standard', 'gns'] as const)('%s', (dialect) => {
  describe.each(natPairs)('%s and %s', (a, b) => {
    test('without a relay: connected exactly where the NATs let them', () => {
      const world = new SimWorld({ nats: [a, b], hasRelay: false, dialect });
      world.settle();
      const states = world.players.map(({ agent }) => [agent.state, agent.failure]);
      const wanted = isDirect(a, b) ? ['connected', undefined] : ['failed', 'noPairWorks'];
      expect(states).toEqual([wanted, wanted]);
    });

    test('with a relay: always connected, and direct wins wherever direct exists', () => {
      const world = new SimWorld({ nats: [a, b], hasRelay: true, dialect });
      world.settle();
      world.run(2000);
      for (const { agent } of world.players) {
        expect(agent.state).toBe('connected');
        expect(agent.selectedPair?.isRelayed).toBe(!isDirect(a, b));
      }
      world.send(0, 'ping');
      world.send(1, 'pong');
      world.run(200);
      expect(world.players.map(({ received }) => received)).toEqual([['pong'], ['ping']]);
    });
  });
});
