import type { Core, Millis } from '../base/index.ts';
import type { StunAddress } from '../stun/index.ts';
import type { IceAgent } from './agent.ts';
import type { IceAgentOptions } from './agent-options.ts';
import type { IceLocalCandidate } from './candidate.ts';
import type { IceRoute } from './route.ts';

export interface IcePoolEvent {
  /** It has events: drain its `pollEvent`. */
  readonly type: 'agentReadable';
  readonly agent: IceAgent;
}

/**
 * The sockets, server-reflexive and relayed candidates that many agents share: each is gathered
 * once, and a relay has one allocation for all. This is the core that a driver runs; agents are
 * driven through it.
 */
export interface IcePool extends Core<IceRoute, IcePoolEvent> {
  /** An agent that uses the pool's candidates, those found later included. */
  openAgent(now: Millis, options: IceAgentOptions): IceAgent;
  /** After a method of the agent was called: what it has to send and tell is fetched. */
  touch(agent: IceAgent): void;
  /** A socket (or a relay's allocation) is open; with STUN servers its reflexive address is asked for. */
  addSocket(now: Millis, candidate: IceLocalCandidate): void;
  /** It is gone, with all candidates that were learned from it. */
  removeSocket(now: Millis, socket: number): void;
  /** Numeric; asked from every host socket of its family. */
  addStunServer(now: Millis, server: StunAddress): void;
  /** The driver has opened all it wants to: agents tell the end of candidates once STUN has answered too. */
  endOfSockets(now: Millis): void;
}
