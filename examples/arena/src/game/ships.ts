import type { Draft, DraftShip } from './draft.ts';
import { rules } from './rules.ts';
import type { Input, Ship } from './state.ts';

/** What becomes of a ship that meets nobody: for clients, who know their own input before the host does. */
export function fly(ship: Ship, input: Input, dt: number): Ship {
  const flown = { ...ship };
  flyShip(flown, input, dt);
  return flown;
}

/** One ship, one tick: steer, dash, drag, move, bounce off the walls. True when a dash starts. */
export function flyShip(ship: DraftShip, input: Input, dt: number): boolean {
  const thrust = steer(ship, input);
  const dashes = startDash(ship, input);
  if (ship.dash > 0) {
    ship.dash -= 1;
    ship.vx = ship.hx * rules.dashSpeed;
    ship.vy = ship.hy * rules.dashSpeed;
  } else {
    const keep = Math.max(0, 1 - rules.drag * dt);
    ship.vx = ship.vx * keep + thrust.x * rules.acceleration * dt;
    ship.vy = ship.vy * keep + thrust.y * rules.acceleration * dt;
    // A rammed ship is thrown faster than it can fly; drag brings it down.
    if (ship.stun === 0) limitSpeed(ship, rules.maxSpeed);
  }
  ship.cooldown = Math.max(0, ship.cooldown - 1);
  ship.stun = Math.max(0, ship.stun - 1);
  ship.x += ship.vx * dt;
  ship.y += ship.vy * dt;
  bounceOffWalls(ship);
  return dashes;
}

/** Turns the nose where the player pushes; returns the thrust, at most a unit vector long. */
function steer(ship: DraftShip, input: Input): { x: number; y: number } {
  const length = Math.sqrt(input.x * input.x + input.y * input.y);
  if (ship.stun > 0 || !(length > 0.05)) return { x: 0, y: 0 };
  if (ship.dash === 0) {
    ship.hx = input.x / length;
    ship.hy = input.y / length;
  }
  const over = Math.max(1, length);
  return { x: input.x / over, y: input.y / over };
}

function startDash(ship: DraftShip, input: Input): boolean {
  if (!input.dash || ship.cooldown > 0 || ship.stun > 0) return false;
  ship.dash = rules.dashTicks;
  ship.cooldown = rules.dashCooldownTicks;
  return true;
}

function limitSpeed(ship: DraftShip, most: number): void {
  const speed = Math.sqrt(ship.vx * ship.vx + ship.vy * ship.vy);
  if (speed <= most) return;
  ship.vx *= most / speed;
  ship.vy *= most / speed;
}

function bounceOffWalls(ship: DraftShip): void {
  const r = rules.shipRadius;
  if (ship.x < r || ship.x > rules.width - r) {
    ship.x = ship.x < r ? r : rules.width - r;
    ship.vx = -ship.vx * rules.bounce;
    ship.dash = 0;
  }
  if (ship.y < r || ship.y > rules.height - r) {
    ship.y = ship.y < r ? r : rules.height - r;
    ship.vy = -ship.vy * rules.bounce;
    ship.dash = 0;
  }
}

/** Every overlapping pair is pushed apart; a dashing ship rams the other. */
export function collideShips(draft: Draft): void {
  draft.ships.forEach((a, index) => {
    for (const b of draft.ships.slice(index + 1)) collidePair(draft, a, b);
  });
}

function collidePair(draft: Draft, a: DraftShip, b: DraftShip): void {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const distance = Math.sqrt(dx * dx + dy * dy);
  const overlap = rules.shipRadius * 2 - distance;
  if (overlap <= 0) return;
  // Two ships in one point have no direction between them: part them sideways.
  const nx = distance > 0 ? dx / distance : 1;
  const ny = distance > 0 ? dy / distance : 0;
  a.x -= (nx * overlap) / 2;
  a.y -= (ny * overlap) / 2;
  b.x += (nx * overlap) / 2;
  b.y += (ny * overlap) / 2;
  const closing = (a.vx - b.vx) * nx + (a.vy - b.vy) * ny;
  if (closing > 0) {
    // Equal masses: the closing speed changes hands, less what the bounce eats.
    const push = (closing * (1 + rules.bounce)) / 2;
    a.vx -= push * nx;
    a.vy -= push * ny;
    b.vx += push * nx;
    b.vy += push * ny;
  }
  // Read both before either is changed: two ships that dash into each other ram each other.
  const [aDashes, bDashes] = [a.dash > 0, b.dash > 0];
  if (aDashes) ram(draft, a, b);
  if (bDashes) ram(draft, b, a);
}

function ram(draft: Draft, by: DraftShip, ship: DraftShip): void {
  by.dash = 0;
  if (ship.stun > 0 || draft.phase !== 'play') return;
  const gems = Math.min(rules.gemsDropped, ship.score);
  ship.score -= gems;
  ship.dash = 0;
  ship.stun = rules.stunTicks;
  for (let i = 0; i < gems; i += 1) dropGem(draft, ship);
  draft.events.push({ type: 'rammed', by: by.id, ship: ship.id, gems });
}

function dropGem(draft: Draft, ship: DraftShip): void {
  draft.addGem({
    x: ship.x,
    y: ship.y,
    vx: ship.vx / 2 + draft.between(-rules.gemDropSpeed, rules.gemDropSpeed),
    vy: ship.vy / 2 + draft.between(-rules.gemDropSpeed, rules.gemDropSpeed),
    shy: rules.gemShyTicks,
  });
}
