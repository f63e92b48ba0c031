/** The configuration cannot be used; the message says what to change, and where it came from. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
