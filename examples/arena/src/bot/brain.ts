import { type Input, idle, type Phase, rules, type Ship, type ShipId } from '../game/index.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What a player looks at: a snapshot, or the state itself. */
interface Seen {
  readonly phase: Phase;
  readonly ships: readonly Ship[];
  readonly gems: readonly Point[];
}

/** A dash covers about this much. */
const DASH_REACH = (rules.dashSpeed * rules.dashTicks) / rules.ticksPerSecond;

/**
 * What a sensible player would do: fly to the gem it reaches first, and ram whoever is rich, near
 * and straight ahead. Pure, so that a match of bots is as repeatable as the game.
 */
export function decide(seen: Seen, self: ShipId): Input {
  const me = seen.ships.find((ship) => ship.id === self);
  if (!me || seen.phase !== 'play') return idle;
  const others = seen.ships.filter((ship) => ship.id !== self);
  const victim = bestVictim(me, others);
  if (victim) {
    const aim = direction(me, lead(victim, 0.15));
    return { ...aim, dash: me.cooldown === 0 && alignment(me, aim) > 0.94 };
  }
  const gem = bestGem(me, others, seen.gems);
  if (!gem) return { ...direction(me, { x: rules.width / 2, y: rules.height / 2 }), dash: false };
  // Thrust against the drift as well, or the ship circles the gem.
  const aim = direction(lead(me, 0.22), gem);
  return { ...aim, dash: false };
}

function bestVictim(me: Ship, others: readonly Ship[]): Ship | undefined {
  if (me.cooldown > 6 || me.stun > 0) return undefined;
  return others
    .filter((ship) => ship.score > 0 && ship.stun === 0 && distance(me, ship) < DASH_REACH * 0.9)
    .sort((a, b) => b.score - a.score || a.id - b.id)[0];
}

/** The nearest gem, but gems that somebody else reaches first count as twice as far. */
function bestGem(me: Ship, others: readonly Ship[], gems: readonly Point[]): Point | undefined {
  let best: Point | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const gem of gems) {
    const mine = distance(me, gem);
    const lost = others.some((ship) => distance(ship, gem) < mine);
    const cost = lost ? mine * 2 : mine;
    if (cost < bestCost) {
      best = gem;
      bestCost = cost;
    }
  }
  return best;
}

function lead(ship: Ship, seconds: number): Point {
  return { x: ship.x + ship.vx * seconds, y: ship.y + ship.vy * seconds };
}

function direction(from: Point, to: Point): Point {
  const length = distance(from, to);
  return length > 0 ? { x: (to.x - from.x) / length, y: (to.y - from.y) / length } : { x: 1, y: 0 };
}

function alignment(ship: Ship, aim: Point): number {
  return ship.hx * aim.x + ship.hy * aim.y;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
