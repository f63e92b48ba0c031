export { type LinkConditions, SimNetwork } from './sim-network.ts';
