export {
  type PartylineServer,
  type ServerLogger,
  type ServerStats,
  type StartOptions,
  startServer,
} from './api/index.ts';
export type { Clock } from './base/index.ts';
export { type Config, ConfigError, type ConfigInput } from './config/index.ts';
