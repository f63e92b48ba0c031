export {
  type PartylineServer,
  type ServerLogger,
  type ServerStats,
  type StartOptions,
  startServer,
} from './api/index.ts';
export { type Clock, systemClock } from './base/index.ts';
export { type Config, ConfigError, type ConfigInput } from './config/index.ts';
export {
  MemoryStore,
  type Store,
  type Stored,
  type Unsubscribe,
  type Write,
} from './store/index.ts';
