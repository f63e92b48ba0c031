import { ManualClock } from '../../packages/server/src/base/index.ts';
import { MemoryStore } from '../../packages/server/src/store/index.ts';
import { describeStore } from './store-suite.ts';

describeStore('memory', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  return {
    store,
    pass: async (ms) => clock.advance(ms),
    [Symbol.asyncDispose]: () => store.close(),
  };
});
