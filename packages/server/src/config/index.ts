export type {
  AppConfig,
  Config,
  ConfigInput,
  JwtAlgorithm,
  JwtConfig,
  ServerLimits,
} from './config.ts';
export { ConfigError } from './config-error.ts';
export { type ListenAddress, parseListenAddress, printHost } from './listen-address.ts';
export { CONFIG_FILE, type LoadedConfig, loadConfig, type Sources } from './load-config.ts';
export { printConfig, printFlags } from './print-config.ts';
export { configSchema } from './schema.ts';
export { environmentName, type Setting, settings } from './settings.ts';
export { readTlsFiles, type TlsFiles } from './tls-files.ts';
export { defaultRelayPorts, type TurnConfig } from './turn-config.ts';
