export { SignalRouter, type SignalStats } from './signals.ts';
export {
  TrivialListener,
  type TrivialListenerLimits,
  type TrivialListenerOptions,
  type TrivialListenerStats,
  trivialListenerLimits,
} from './trivial-listener.ts';
