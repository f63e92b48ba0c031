export { SignalRouter, type SignalStats } from './signals.ts';
