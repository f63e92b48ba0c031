export { createHttp } from './http.ts';
export { createLogger, type ServerLogger } from './logger.ts';
export { Metrics } from './metrics.ts';
export { type OperatorHttp, openOperatorHttp } from './operator-http.ts';
export type { Services } from './services.ts';
export { type PartylineServer, type StartOptions, startServer } from './start-server.ts';
export type { ServerStats } from './stats.ts';
export { SocketDoor } from './upgrade.ts';
export { serverVersion } from './version.ts';
