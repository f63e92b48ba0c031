import type { Draft, DraftShip } from './draft.ts';
import { rules } from './rules.ts';

/** Dropped gems slide, slow down and stay inside the walls. */
export function flyGems(draft: Draft, dt: number): void {
  const keep = Math.max(0, 1 - rules.gemDrag * dt);
  const r = rules.gemRadius;
  for (const gem of draft.gems) {
    gem.shy = Math.max(0, gem.shy - 1);
    gem.vx *= keep;
    gem.vy *= keep;
    gem.x = Math.min(rules.width - r, Math.max(r, gem.x + gem.vx * dt));
    gem.y = Math.min(rules.height - r, Math.max(r, gem.y + gem.vy * dt));
  }
}

/** A gem goes to the nearest ship that touches it; of two equally near ones to the lower id. */
export function collectGems(draft: Draft): void {
  draft.gems = draft.gems.filter((gem) => {
    const ship = gem.shy === 0 ? nearest(draft.ships, gem.x, gem.y) : undefined;
    if (!ship) return true;
    ship.score = Math.min(rules.maxScore, ship.score + 1);
    draft.events.push({ type: 'collected', ship: ship.id, gem: gem.id });
    return false;
  });
}

function nearest(ships: readonly DraftShip[], x: number, y: number): DraftShip | undefined {
  const reach = rules.shipRadius + rules.gemRadius;
  let best: DraftShip | undefined;
  let bestSquare = reach * reach;
  for (const ship of ships) {
    const square = (ship.x - x) ** 2 + (ship.y - y) ** 2;
    if (ship.stun === 0 && square < bestSquare) {
      best = ship;
      bestSquare = square;
    }
  }
  return best;
}

export function growGems(draft: Draft): void {
  const due = draft.tick % rules.gemEveryTicks === 0;
  if (due && draft.gems.length < rules.gemsWanted) draft.addGemSomewhere();
}
