import { GnsConfig } from '../gns/index.ts';
import { nodeCrypto } from './crypto.ts';

/** GNS's global scope: what all GnsSockets and GnsP2p of the program inherit that were given no other. */
export const globalGnsConfig: GnsConfig = new GnsConfig({ parent: nodeCrypto });
