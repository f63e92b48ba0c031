import { rules } from '../game/index.ts';
import { palette } from './palette.ts';

/** A drawing made once: glows by `shadowBlur` or gradients every frame are what makes canvases slow. */
export interface Sprites {
  glow(color: string): HTMLCanvasElement;
  readonly floor: HTMLCanvasElement;
  readonly gem: HTMLCanvasElement;
}

export const GLOW_SIZE = 160;
export const GEM_SIZE = 64;

export function makeSprites(): Sprites {
  const glows = new Map<string, HTMLCanvasElement>();
  return {
    floor: drawFloor(),
    gem: drawGem(),
    glow: (color) => {
      const known = glows.get(color) ?? drawGlow(color);
      glows.set(color, known);
      return known;
    },
  };
}

function canvas(
  width: number,
  height: number,
): { element: HTMLCanvasElement; c: CanvasRenderingContext2D } {
  const element = document.createElement('canvas');
  element.width = width;
  element.height = height;
  const c = element.getContext('2d');
  if (!c) throw new Error('this browser draws no 2d canvas');
  return { element, c };
}

function drawGlow(color: string): HTMLCanvasElement {
  const { element, c } = canvas(GLOW_SIZE, GLOW_SIZE);
  const r = GLOW_SIZE / 2;
  const light = c.createRadialGradient(r, r, 0, r, r, r);
  light.addColorStop(0, `${color}88`);
  light.addColorStop(0.35, `${color}33`);
  light.addColorStop(1, `${color}00`);
  c.fillStyle = light;
  c.fillRect(0, 0, GLOW_SIZE, GLOW_SIZE);
  return element;
}

function drawFloor(): HTMLCanvasElement {
  const { element, c } = canvas(rules.width, rules.height);
  const { width, height } = rules;
  const light = c.createRadialGradient(
    width / 2,
    height * 0.42,
    80,
    width / 2,
    height / 2,
    width * 0.62,
  );
  light.addColorStop(0, '#141c2b');
  light.addColorStop(0.55, palette.floor);
  light.addColorStop(1, palette.floorEdge);
  c.fillStyle = light;
  c.fillRect(0, 0, width, height);
  for (let x = 0; x <= width; x += 50) line(c, x, 0, x, height, x % 200 === 0);
  for (let y = 0; y <= height; y += 50) line(c, 0, y, width, y, (y - 50) % 200 === 0);
  drawCircleMarks(c);
  return element;
}

function line(
  c: CanvasRenderingContext2D,
  fromX: number,
  fromY: number,
  toX: number,
  toY: number,
  strong: boolean,
): void {
  c.strokeStyle = strong ? palette.gridStrong : palette.grid;
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(fromX + 0.5, fromY + 0.5);
  c.lineTo(toX + 0.5, toY + 0.5);
  c.stroke();
}

function drawCircleMarks(c: CanvasRenderingContext2D): void {
  c.strokeStyle = 'rgba(148, 170, 205, 0.10)';
  c.lineWidth = 2;
  for (const radius of [90, 250]) {
    c.beginPath();
    c.arc(rules.width / 2, rules.height / 2, radius, 0, Math.PI * 2);
    c.stroke();
  }
}

function drawGem(): HTMLCanvasElement {
  const { element, c } = canvas(GEM_SIZE, GEM_SIZE);
  const r = GEM_SIZE / 2;
  const light = c.createRadialGradient(r, r, 0, r, r, r);
  light.addColorStop(0, `${palette.gem}66`);
  light.addColorStop(1, `${palette.gem}00`);
  c.fillStyle = light;
  c.fillRect(0, 0, GEM_SIZE, GEM_SIZE);
  c.translate(r, r);
  c.fillStyle = palette.gem;
  diamond(c, 8.5, 12);
  c.fillStyle = palette.gemCore;
  c.beginPath();
  c.moveTo(0, -12);
  c.lineTo(8.5, 0);
  c.lineTo(0, 0);
  c.closePath();
  c.fill();
  c.fillStyle = 'rgba(140, 84, 0, 0.35)';
  c.beginPath();
  c.moveTo(0, 12);
  c.lineTo(-8.5, 0);
  c.lineTo(0, 0);
  c.closePath();
  c.fill();
  return element;
}

function diamond(c: CanvasRenderingContext2D, width: number, height: number): void {
  c.beginPath();
  c.moveTo(0, -height);
  c.lineTo(width, 0);
  c.lineTo(0, height);
  c.lineTo(-width, 0);
  c.closePath();
  c.fill();
}
