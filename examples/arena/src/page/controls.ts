/** What the player's hands do, as one thrust and a dash; keyboard, mouse and touch together. */
export interface Controls {
  /** Towards `pointer` as seen from the own ship, while one is held. */
  thrust(ship: { readonly x: number; readonly y: number } | undefined): { x: number; y: number };
  close(): void;
}

export interface ControlOptions {
  readonly canvas: HTMLCanvasElement;
  /** Page to world. */
  toWorld(clientX: number, clientY: number): { x: number; y: number };
  onDash(): void;
}

const keys: Readonly<Record<string, readonly [number, number]>> = {
  KeyW: [0, -1],
  ArrowUp: [0, -1],
  KeyS: [0, 1],
  ArrowDown: [0, 1],
  KeyA: [-1, 0],
  ArrowLeft: [-1, 0],
  KeyD: [1, 0],
  ArrowRight: [1, 0],
};

/** Nearer than this to the pointer the ship stops, in world units. */
const POINTER_STOP = 14;
/** From here on the pointer asks for full thrust. */
const POINTER_FULL = 90;

export function attachControls({ canvas, toWorld, onDash }: ControlOptions): Controls {
  const held = new Set<string>();
  const pointers = new Map<number, { x: number; y: number }>();
  const ended = new AbortController();
  const { signal } = ended;

  window.addEventListener(
    'keydown',
    (event) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.code === 'Space') {
        event.preventDefault();
        if (!event.repeat) onDash();
      } else if (keys[event.code]) {
        event.preventDefault();
        held.add(event.code);
      }
    },
    { signal },
  );
  window.addEventListener('keyup', (event) => held.delete(event.code), { signal });
  // A key let go in another window is never told to this one.
  window.addEventListener('blur', () => held.clear(), { signal });

  canvas.addEventListener(
    'pointerdown',
    (event) => {
      canvas.setPointerCapture(event.pointerId);
      // The first finger steers; another one, or the right button, dashes.
      if (event.button === 2 || pointers.size > 0) onDash();
      else pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    { signal },
  );
  canvas.addEventListener(
    'pointermove',
    (event) => {
      if (pointers.has(event.pointerId)) {
        pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      }
    },
    { signal },
  );
  for (const name of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(name, (event) => pointers.delete(event.pointerId), { signal });
  }
  canvas.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });

  return {
    thrust: (ship) => {
      const [pointer] = pointers.values();
      if (pointer && ship) return towards(ship, toWorld(pointer.x, pointer.y));
      return fromKeys(held);
    },
    close: () => ended.abort(),
  };
}

function towards(
  ship: { readonly x: number; readonly y: number },
  to: { x: number; y: number },
): { x: number; y: number } {
  const [dx, dy] = [to.x - ship.x, to.y - ship.y];
  const length = Math.hypot(dx, dy);
  if (length < POINTER_STOP) return { x: 0, y: 0 };
  const push = Math.min(1, length / POINTER_FULL) / length;
  return { x: dx * push, y: dy * push };
}

function fromKeys(held: ReadonlySet<string>): { x: number; y: number } {
  let [x, y] = [0, 0];
  for (const code of held) {
    x += keys[code]?.[0] ?? 0;
    y += keys[code]?.[1] ?? 0;
  }
  const length = Math.hypot(x, y);
  return length > 0 ? { x: x / length, y: y / length } : { x: 0, y: 0 };
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
