import type {
  RelayAddress,
  ShareKind,
  TurnLimits,
  TurnUsage,
} from 'partyline/protocol/turn-server';
import type { ListenAddress, TlsFiles } from '../config/index.ts';
import type { Sibling } from './sibling-trunk.ts';
import type { TurnRelay } from './turn-relay.ts';

/** What the core is told beside credentials and its ports. */
export interface RelayRules {
  readonly realm: string | undefined;
  readonly relays: readonly RelayAddress[];
  readonly allowPeers: readonly string[];
  readonly denyPeers: readonly string[];
  readonly ownHosts: readonly string[];
  readonly limits: Partial<TurnLimits>;
}

/** All that a worker runs on; plain data, so that it can be handed to another process. */
export interface WorkerStart {
  readonly name: string;
  readonly listen: readonly ListenAddress[];
  readonly tcp: 'listen' | 'none';
  readonly tls: TlsFiles | undefined;
  readonly rules: RelayRules;
  /** Its own part of `allPorts`. */
  readonly ports: Sibling['ports'];
  readonly allPorts: Sibling['ports'];
  readonly ownPorts: readonly number[];
  readonly users: ReadonlyMap<string, string>;
  readonly secret: string | undefined;
  readonly isSessionBound: boolean;
  readonly sessions: readonly string[];
}

export interface ShareChange {
  readonly kind: ShareKind;
  readonly name: string;
  readonly allocations: number;
}

export interface ElsewhereChange extends ShareChange {
  readonly places: number;
}

export type RelayStats = ReturnType<TurnRelay['stats']>;

export type ToWorker =
  | { readonly type: 'start'; readonly start: WorkerStart }
  | {
      readonly type: 'siblings';
      readonly siblings: readonly Sibling[];
      readonly listening: readonly number[];
    }
  | { readonly type: 'elsewhere'; readonly changes: readonly ElsewhereChange[] }
  | { readonly type: 'tls'; readonly tls: TlsFiles }
  | { readonly type: 'allowSession' | 'endSession'; readonly session: string }
  | { readonly type: 'endPlayer'; readonly player: string }
  | { readonly type: 'askUsage'; readonly id: number };

export type FromWorker =
  | { readonly type: 'listening'; readonly port: number; readonly trunkPort: number }
  /** It could not start; `code` is the system's. */
  | { readonly type: 'failed'; readonly message: string; readonly details: Record<string, unknown> }
  | { readonly type: 'shares'; readonly changes: readonly ShareChange[] }
  /** Once a second: also a sign of life. */
  | { readonly type: 'stats'; readonly stats: RelayStats }
  | { readonly type: 'usage'; readonly id: number; readonly usage: readonly TurnUsage[] }
  | { readonly type: 'error'; readonly message: string };
