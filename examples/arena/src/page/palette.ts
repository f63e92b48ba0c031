/** Ship colours by `Ship.color`: told apart on the dark floor, by most colour-blind eyes too. */
export const shipColors = [
  '#5ee7c8',
  '#ff8a7a',
  '#78a9ff',
  '#ffb454',
  '#c99bff',
  '#b8e66a',
  '#ff8fd0',
  '#e8edf5',
] as const;

export const palette = {
  floor: '#0c111b',
  floorEdge: '#080b12',
  grid: 'rgba(148, 170, 205, 0.055)',
  gridStrong: 'rgba(148, 170, 205, 0.11)',
  wall: 'rgba(120, 160, 220, 0.35)',
  gem: '#ffd76a',
  gemCore: '#fff6d6',
  text: '#e8edf5',
  shadow: 'rgba(6, 9, 15, 0.85)',
} as const;

export function shipColor(color: number): string {
  return shipColors[color % shipColors.length] ?? shipColors[0];
}
