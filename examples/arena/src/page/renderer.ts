import { type GameEvent, rules, type Ship } from '../game/index.ts';
import type { Frame } from '../match/history.ts';
import { Effects } from './effects.ts';
import { palette, shipColor } from './palette.ts';
import { GEM_SIZE, GLOW_SIZE, makeSprites, type Sprites } from './sprites.ts';

const TRAIL_POINTS = 16;
/** Free space around the walls, in world units: noses and glows stick out. */
const MARGIN = 16;
/** Names, in world units, and what they have at least on the screen, in CSS pixels. */
const NAME_SIZE = 19;
const NAME_PIXELS = 11;

export interface View {
  readonly frame: Frame;
  /** Whose ship is marked as one's own. */
  readonly self: number | undefined;
  nameOf(id: number): string;
}

/** Draws frames on one canvas, scaled to fit it; knows no network and changes no game. */
export class Renderer {
  readonly #canvas: HTMLCanvasElement;
  readonly #c: CanvasRenderingContext2D;
  readonly #sprites: Sprites = makeSprites();
  readonly #effects = new Effects();
  readonly #trails = new Map<number, { x: number; y: number }[]>();
  #lastMs = 0;
  #scale = 1;
  #nameSize = NAME_SIZE;
  #left = 0;
  #top = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    const c = canvas.getContext('2d', { alpha: false });
    if (!c) throw new Error('this browser draws no 2d canvas');
    this.#c = c;
  }

  /** From a point of the page (CSS pixels) to the world. */
  toWorld(clientX: number, clientY: number): { x: number; y: number } {
    const box = this.#canvas.getBoundingClientRect();
    const ratio = box.width > 0 ? this.#canvas.width / box.width : 1;
    return {
      x: ((clientX - box.left) * ratio - this.#left) / this.#scale,
      y: ((clientY - box.top) * ratio - this.#top) / this.#scale,
    };
  }

  event(event: GameEvent, ships: readonly Ship[]): void {
    this.#effects.add(event, ships);
  }

  draw(view: View, nowMs: number): void {
    const dt = Math.min(0.1, Math.max(0, (nowMs - this.#lastMs) / 1000));
    this.#lastMs = nowMs;
    this.#fit();
    const c = this.#c;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.fillStyle = palette.floorEdge;
    c.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    const shake = this.#effects.shake;
    const [dx, dy] = [Math.sin(nowMs * 0.09) * shake, Math.cos(nowMs * 0.11) * shake];
    const s = this.#scale;
    c.setTransform(s, 0, 0, s, this.#left + dx * s, this.#top + dy * s);
    c.drawImage(this.#sprites.floor, 0, 0);
    this.#drawGems(view.frame, nowMs);
    this.#drawTrails(view.frame.ships);
    for (const ship of view.frame.ships) this.#drawShip(ship, ship.id === view.self, nowMs);
    this.#effects.draw(c, dt);
    for (const ship of view.frame.ships) this.#drawName(ship, view);
    c.strokeStyle = palette.wall;
    c.lineWidth = 2;
    c.strokeRect(1, 1, rules.width - 2, rules.height - 2);
  }

  /** The canvas has as many pixels as the screen gives it; the world is centred in them. */
  #fit(): void {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.max(1, Math.round(this.#canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.#canvas.clientHeight * ratio));
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    const [worldWidth, worldHeight] = [rules.width + 2 * MARGIN, rules.height + 2 * MARGIN];
    this.#scale = Math.min(width / worldWidth, height / worldHeight);
    this.#nameSize = Math.max(NAME_SIZE, (NAME_PIXELS * ratio) / this.#scale);
    this.#left = (width - rules.width * this.#scale) / 2;
    this.#top = (height - rules.height * this.#scale) / 2;
  }

  #drawGems(frame: Frame, nowMs: number): void {
    for (const gem of frame.gems) {
      const size = GEM_SIZE * (1 + 0.07 * Math.sin(nowMs / 260 + gem.id));
      this.#c.drawImage(this.#sprites.gem, gem.x - size / 2, gem.y - size / 2, size, size);
    }
  }

  #drawTrails(ships: readonly Ship[]): void {
    const c = this.#c;
    for (const id of this.#trails.keys()) {
      if (!ships.some((ship) => ship.id === id)) this.#trails.delete(id);
    }
    c.lineCap = 'butt'; // round ones overlap, and beads show
    for (const ship of ships) {
      const trail = this.#trails.get(ship.id) ?? [];
      this.#trails.set(ship.id, trail);
      const last = trail[0];
      // A ship that was put elsewhere leaves no line across the floor.
      if (last && Math.hypot(last.x - ship.x, last.y - ship.y) > 120) trail.length = 0;
      trail.unshift({ x: ship.x - ship.hx * 12, y: ship.y - ship.hy * 12 });
      if (trail.length > TRAIL_POINTS) trail.length = TRAIL_POINTS;
      c.strokeStyle = shipColor(ship.color);
      for (let i = 1; i < trail.length; i += 1) {
        const [from, to] = [trail[i - 1], trail[i]];
        if (!from || !to) continue;
        const left = 1 - i / TRAIL_POINTS;
        c.globalAlpha = left * (ship.dash > 0 ? 0.75 : 0.32);
        c.lineWidth = 3 + 9 * left;
        c.beginPath();
        c.moveTo(from.x, from.y);
        c.lineTo(to.x, to.y);
        c.stroke();
      }
    }
    c.globalAlpha = 1;
  }

  #drawShip(ship: Ship, own: boolean, nowMs: number): void {
    const c = this.#c;
    const color = shipColor(ship.color);
    const glow = GLOW_SIZE * (ship.dash > 0 ? 1.35 : 1);
    c.save();
    c.translate(ship.x, ship.y);
    c.globalCompositeOperation = 'lighter';
    c.drawImage(this.#sprites.glow(color), -glow / 2, -glow / 2, glow, glow);
    c.globalCompositeOperation = 'source-over';
    if (own) this.#drawOwnMark(ship, color);
    // A rammed ship tumbles and flickers.
    const tumble = ship.stun > 0 ? ship.stun * 0.55 : 0;
    if (ship.stun > 0) c.globalAlpha = 0.55 + 0.35 * Math.sin(nowMs / 35);
    c.rotate(Math.atan2(ship.hy, ship.hx) + tumble);
    c.fillStyle = '#0b1018';
    c.strokeStyle = color;
    c.lineWidth = 3.5;
    c.lineJoin = 'round';
    c.beginPath();
    c.moveTo(26, 0);
    c.lineTo(-17, 17);
    c.lineTo(-9, 0);
    c.lineTo(-17, -17);
    c.closePath();
    c.fill();
    c.stroke();
    c.fillStyle = color;
    c.beginPath();
    c.moveTo(17, 0);
    c.lineTo(-7, 7.5);
    c.lineTo(-3, 0);
    c.lineTo(-7, -7.5);
    c.closePath();
    c.fill();
    c.restore();
  }

  /** A ring round one's own ship that fills while the next dash charges. */
  #drawOwnMark(ship: Ship, color: string): void {
    const c = this.#c;
    const charged = 1 - ship.cooldown / rules.dashCooldownTicks;
    c.lineWidth = 2.5;
    c.strokeStyle = color;
    c.globalAlpha = 0.22;
    c.beginPath();
    c.arc(0, 0, 38, 0, Math.PI * 2);
    c.stroke();
    c.globalAlpha = charged >= 1 ? 0.95 : 0.6;
    c.beginPath();
    c.arc(0, 0, 38, -Math.PI / 2, -Math.PI / 2 + Math.PI * 2 * charged);
    c.stroke();
    c.globalAlpha = 1;
  }

  #drawName(ship: Ship, view: View): void {
    const c = this.#c;
    const size = this.#nameSize;
    const y = ship.y > rules.height - 80 ? ship.y - 48 : ship.y + 41 + size;
    c.font = `${ship.id === view.self ? 700 : 600} ${size}px system-ui, -apple-system, "Segoe UI", sans-serif`;
    c.textAlign = 'center';
    c.lineJoin = 'round';
    c.lineWidth = 5;
    c.strokeStyle = palette.shadow;
    c.fillStyle = palette.text;
    const x = Math.min(rules.width - 70, Math.max(70, ship.x));
    const text = view.nameOf(ship.id);
    c.strokeText(text, x, y);
    c.fillText(text, x, y);
  }
}
