/** Asks for ticks at a steady rate from a worker: a page in a hidden tab gets no timers, but it does get messages. */
export interface Ticker {
  close(): void;
}

/** More ticks at once than this are forgotten: after a sleep the game goes on, it does not race. */
const MAX_CATCH_UP = 10;

export function startTicker(ticksPerSecond: number, onTick: () => void): Ticker {
  const worker = new Worker(new URL('./tick-worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', (event: MessageEvent<number>) => {
    for (let i = 0; i < Math.min(event.data, MAX_CATCH_UP); i += 1) onTick();
  });
  worker.postMessage(ticksPerSecond);
  return { close: () => worker.terminate() };
}
