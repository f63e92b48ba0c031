import type { GameEvent, Ship } from '../game/index.ts';
import { palette, shipColor } from './palette.ts';

interface Spark {
  x: number;
  y: number;
  vx: number;
  vy: number;
  age: number;
  readonly life: number;
  readonly size: number;
  readonly color: string;
}

interface Ring {
  readonly x: number;
  readonly y: number;
  age: number;
  readonly color: string;
}

interface Label {
  readonly x: number;
  readonly y: number;
  age: number;
  readonly text: string;
  readonly color: string;
}

const MAX_SPARKS = 400;
const RING_LIFE = 0.45;
const LABEL_LIFE = 0.9;

/** Sparks, rings and rising numbers: looks only, made from the events of the game. */
export class Effects {
  #sparks: Spark[] = [];
  #rings: Ring[] = [];
  #labels: Label[] = [];
  #shake = 0;

  /** Pixels (world units) the picture is thrown by at the moment. */
  get shake(): number {
    return this.#shake;
  }

  add(event: GameEvent, ships: readonly Ship[]): void {
    const find = (id: number): Ship | undefined => ships.find((ship) => ship.id === id);
    if (event.type === 'collected') {
      const ship = find(event.ship);
      if (!ship) return;
      this.#burst(ship.x, ship.y, palette.gem, 8, 160);
      this.#labels.push({ x: ship.x, y: ship.y - 30, age: 0, text: '+1', color: palette.gem });
    } else if (event.type === 'rammed') {
      const ship = find(event.ship);
      if (!ship) return;
      this.#burst(ship.x, ship.y, shipColor(ship.color), 26, 420);
      this.#burst(ship.x, ship.y, '#ffffff', 10, 300);
      this.#rings.push({ x: ship.x, y: ship.y, age: 0, color: shipColor(ship.color) });
      if (event.gems > 0) {
        const text = `−${event.gems}`;
        this.#labels.push({ x: ship.x, y: ship.y - 34, age: 0, text, color: '#ff8a7a' });
      }
      this.#shake = matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 9;
    } else if (event.type === 'dashed') {
      const ship = find(event.ship);
      if (ship) this.#burst(ship.x, ship.y, shipColor(ship.color), 6, 140);
    }
  }

  /** `dt` in seconds since the last call. */
  draw(c: CanvasRenderingContext2D, dt: number): void {
    this.#shake = this.#shake < 0.3 ? 0 : this.#shake * Math.max(0, 1 - 9 * dt);
    c.globalCompositeOperation = 'lighter';
    this.#drawSparks(c, dt);
    this.#drawRings(c, dt);
    c.globalCompositeOperation = 'source-over';
    this.#drawLabels(c, dt);
    c.globalAlpha = 1;
  }

  #drawSparks(c: CanvasRenderingContext2D, dt: number): void {
    for (const spark of this.#sparks) {
      spark.age += dt;
      spark.vx *= Math.max(0, 1 - 4 * dt);
      spark.vy *= Math.max(0, 1 - 4 * dt);
      spark.x += spark.vx * dt;
      spark.y += spark.vy * dt;
      const left = Math.max(0, 1 - spark.age / spark.life);
      c.globalAlpha = left;
      c.fillStyle = spark.color;
      const size = spark.size * (0.4 + left * 0.6);
      c.fillRect(spark.x - size / 2, spark.y - size / 2, size, size);
    }
    this.#sparks = this.#sparks.filter((spark) => spark.age < spark.life);
  }

  #drawRings(c: CanvasRenderingContext2D, dt: number): void {
    for (const ring of this.#rings) {
      ring.age += dt;
      const t = Math.min(1, ring.age / RING_LIFE);
      c.globalAlpha = (1 - t) * 0.8;
      c.strokeStyle = ring.color;
      c.lineWidth = 5 * (1 - t) + 1;
      c.beginPath();
      c.arc(ring.x, ring.y, 24 + 90 * t, 0, Math.PI * 2);
      c.stroke();
    }
    this.#rings = this.#rings.filter((ring) => ring.age < RING_LIFE);
  }

  #drawLabels(c: CanvasRenderingContext2D, dt: number): void {
    c.font = '700 22px system-ui, sans-serif';
    c.textAlign = 'center';
    for (const label of this.#labels) {
      label.age += dt;
      const t = Math.min(1, label.age / LABEL_LIFE);
      c.globalAlpha = 1 - t * t;
      c.fillStyle = label.color;
      c.fillText(label.text, label.x, label.y - 34 * t);
    }
    this.#labels = this.#labels.filter((label) => label.age < LABEL_LIFE);
  }

  #burst(x: number, y: number, color: string, count: number, speed: number): void {
    for (let i = 0; i < count && this.#sparks.length < MAX_SPARKS; i += 1) {
      const angle = Math.random() * Math.PI * 2;
      const fast = speed * (0.3 + Math.random() * 0.7);
      this.#sparks.push({
        x,
        y,
        vx: Math.cos(angle) * fast,
        vy: Math.sin(angle) * fast,
        age: 0,
        life: 0.35 + Math.random() * 0.35,
        size: 3 + Math.random() * 3,
        color,
      });
    }
  }
}
