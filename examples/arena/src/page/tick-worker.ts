/**
 * Runs in a dedicated worker, whose timers browsers do not slow down with the tab. Told the rate
 * once, it posts how many ticks are due; counting from the start, so that late timers add no drift.
 */
let start = 0;
let done = 0;

addEventListener('message', (event: MessageEvent<number>) => {
  const tickMs = 1000 / event.data;
  start = performance.now();
  done = 0;
  const next = (): void => {
    const due = Math.floor((performance.now() - start) / tickMs);
    if (due > done) postMessage(due - done);
    done = due;
    setTimeout(next, Math.max(1, start + (done + 1) * tickMs - performance.now()));
  };
  next();
});
