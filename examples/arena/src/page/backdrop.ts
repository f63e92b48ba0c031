import { decide } from '../bot/brain.ts';
import { decodeSnapshot, encodeThrust, rules } from '../game/index.ts';
import { History } from '../match/history.ts';
import { HostGame } from '../match/host-game.ts';
import { Renderer } from './renderer.ts';

const BOTS = [1, 2, 3, 4, 5];

/** A match of bots behind the home screen; the same rules, played for nobody. Still for who wants less motion. */
export function startBackdrop(canvas: HTMLCanvasElement): { close(): void } {
  const renderer = new Renderer(canvas);
  const history = new History();
  const host = new HostGame(Date.now());
  for (const id of BOTS) host.join(id);
  const tick = (): void => {
    for (const id of BOTS) {
      const input = decide(host.state, id);
      host.thrust(id, encodeThrust({ number: 0, ...input }));
      if (input.dash) host.dash(id);
    }
    const { snapshot, events } = host.tick();
    const seen = decodeSnapshot(snapshot);
    if (seen) history.push(seen, performance.now());
    for (const event of events) renderer.event(event, host.state.ships);
  };
  tick();
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    requestAnimationFrame((nowMs) => paint(nowMs));
    return { close: () => {} };
  }
  // A plain timer: nobody minds when a hidden tab stops this one.
  const timer = setInterval(tick, 1000 / rules.ticksPerSecond);
  let request = requestAnimationFrame(draw);
  function draw(nowMs: number): void {
    request = requestAnimationFrame(draw);
    paint(nowMs);
  }
  function paint(nowMs: number): void {
    const frame = history.frame(nowMs);
    if (frame) renderer.draw({ frame, self: undefined, nameOf: () => '' }, nowMs);
  }
  return {
    close: () => {
      clearInterval(timer);
      cancelAnimationFrame(request);
    },
  };
}
