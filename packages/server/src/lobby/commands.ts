import type { LobbyType, StringMap, StringPatch } from './state.ts';

/** Who takes a seat, and with what. */
export interface Candidate {
  readonly id: number;
  readonly player: string;
  readonly name: string;
  readonly cert: string;
  readonly proof: 'key' | 'server';
  readonly capabilities: readonly string[];
  readonly data: StringMap;
  readonly session: string;
  readonly generation: number;
}

export interface CreateCommand {
  readonly id: string;
  readonly code: string;
  readonly type: LobbyType;
  readonly name: string;
  readonly capacity: number;
  readonly joinable: boolean;
  readonly requireKey: boolean;
  readonly data: StringMap;
  readonly owner: Candidate;
}

/** Everything that can happen to a lobby that exists. `by` is the member who asks. */
export type LobbyCommand =
  | { readonly type: 'join'; readonly via: 'id' | 'code' | 'invite'; readonly who: Candidate }
  | { readonly type: 'leave'; readonly by: number }
  /** The session of this seat ended for good while it was dropped or could not be resumed. */
  | { readonly type: 'end'; readonly by: number }
  /** The socket `generation` of this seat's session is gone. */
  | {
      readonly type: 'drop';
      readonly by: number;
      readonly generation: number;
      readonly holdMs: number;
    }
  | { readonly type: 'return'; readonly by: number; readonly generation: number }
  /** Time went by: seats held too long are freed. */
  | { readonly type: 'expire' }
  | { readonly type: 'setData'; readonly by: number; readonly set: StringPatch }
  | { readonly type: 'setMemberData'; readonly by: number; readonly set: StringPatch }
  | { readonly type: 'setReady'; readonly by: number; readonly ready: boolean }
  | {
      readonly type: 'setSettings';
      readonly by: number;
      readonly lobbyType?: LobbyType | undefined;
      readonly name?: string | undefined;
      readonly capacity?: number | undefined;
      readonly joinable?: boolean | undefined;
    }
  | { readonly type: 'setOwner'; readonly by: number; readonly member: number }
  | {
      readonly type: 'kick';
      readonly by: number;
      readonly member: number;
      readonly reason: string;
    };
