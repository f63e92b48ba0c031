/**
 * What we need of a logger: pino, consola, winston and `console` all fit, none is imported.
 * Fields first, message second; the message is constant text so that logs can be grouped by it.
 *
 * error: an operator must act. warn: we recovered, look at it. info: once per connection or rarer.
 * debug: once per state change. trace: per packet.
 */
export interface Logger {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child?(bindings: object): Logger;
}

const ignore = (): void => {};

export const silentLogger: Logger = {
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
};
