export { nobleLegacy } from './noble-legacy.ts';
