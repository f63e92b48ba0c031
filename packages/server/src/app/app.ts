import { join } from 'node:path';
import { nodeCrypto } from 'partyline/node';
import { caKeyId } from 'partyline/protocol/cert';
import type { AppConfig, Config } from '../config/index.ts';
import { loadCaSeed } from './ca-key.ts';

/** A game on this server. Everything belongs to one; nothing is shared between two. */
export interface App {
  readonly id: string;
  readonly settings: AppConfig;
  /** Signs the certificates of this app's sessions. */
  readonly ca: {
    readonly seed: Uint8Array;
    readonly publicKey: Uint8Array;
    /** How certificates name it. */
    readonly keyId: bigint;
  };
}

/** Every key of the store is made here: it starts with the app, so that no id reaches another's. */
export function appKey(app: App, kind: string, id = ''): string {
  return `${app.id}:${kind}:${id}`;
}

/** Reads the configured apps, making the keys of new ones. @throws ConfigError */
export function openApps(config: Pick<Config, 'apps' | 'dataDir'>): ReadonlyMap<string, App> {
  return new Map(
    Object.entries(config.apps).map(([id, settings]) => {
      const path = join(config.dataDir, 'apps', id, 'ca.key');
      const seed = loadCaSeed(path, nodeCrypto.randomBytes);
      const publicKey = nodeCrypto.ed25519PublicKey(seed);
      const ca = { seed, publicKey, keyId: caKeyId(nodeCrypto, publicKey) };
      return [id, { id, settings, ca }];
    }),
  );
}
