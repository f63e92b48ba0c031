import type { IceRole } from './agent-options.ts';
import type { IceState } from './agent-state.ts';
import type { IceCandidate } from './candidate.ts';
import type { IceRoute } from './route.ts';

/** Why an agent has failed. */
export type IceFailure =
  /** Signaling brought no credentials or candidates of the other side in time. */
  | 'noRemoteCandidates'
  /** No socket, or none that the policy lets us use. */
  | 'noLocalCandidates'
  /** There were pairs, and none of them works: NAT or firewall, and no relay. */
  | 'noPairWorks'
  /** Pairs work, but the controlling side has nominated none of them in time. */
  | 'notNominated'
  /** There was a connection, and nothing is heard any more. */
  | 'consentLost';

/** The pair that application datagrams take. */
export interface IceSelectedPair {
  readonly local: IceCandidate;
  readonly remote: IceCandidate;
  /** Where to send. */
  readonly route: IceRoute;
  /** A relay stands at one end at least. */
  readonly isRelayed: boolean;
  /** Of the last check, in milliseconds. */
  readonly rttMs: number | undefined;
  /** The longest datagram known to come through, in bytes of UDP payload; 1200 until more is known. */
  readonly mtuBytes: number;
}

/** What an agent has to tell; drained by `pollEvent`. */
export type IceEvent =
  /** To be signaled to the other side at once (RFC 8838); `text` is the candidate attribute's value. */
  | { readonly type: 'localCandidate'; readonly candidate: IceCandidate; readonly text: string }
  /** Every local candidate has been told (RFC 8838 §8.2). */
  | { readonly type: 'endOfLocalCandidates' }
  | {
      readonly type: 'stateChanged';
      readonly state: IceState;
      readonly previous: IceState;
      /** With `failed`. */
      readonly failure: IceFailure | undefined;
    }
  /** The first one, or a better or surviving one. */
  | {
      readonly type: 'selectedPairChanged';
      readonly pair: IceSelectedPair;
      readonly previous: IceSelectedPair | undefined;
    }
  /** Longer datagrams than assumed come through the selected pair; bytes of UDP payload. */
  | { readonly type: 'mtuChanged'; readonly mtuBytes: number }
  /** After a role conflict (RFC 8445 §7.3.1.1). */
  | { readonly type: 'roleChanged'; readonly role: IceRole }
  /** An application datagram, from a route the other side has proved to be at. */
  | { readonly type: 'datagram'; readonly bytes: Uint8Array; readonly route: IceRoute };

export interface IceAgentCounts {
  /** STUN messages that did not parse. */
  readonly malformed: number;
  /** STUN messages with a wrong MAC, or none. */
  readonly unauthentic: number;
  /** Candidates over the limit, or of no use. */
  readonly refusedCandidates: number;
  /** Application datagrams dropped because nobody took them. */
  readonly droppedDatagrams: number;
}
