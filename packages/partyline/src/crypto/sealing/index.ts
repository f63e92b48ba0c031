export { nobleSealing } from './noble-sealing.ts';
