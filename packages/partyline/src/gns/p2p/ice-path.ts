import { ByteReader, DecodeError, type Millis } from '../../base/index.ts';
import {
  gnsIceCredentials,
  gnsUfrag,
  type IceAgent,
  type IceAgentOptions,
  type IceCredentials,
  type IceEvent,
  type IceFailure,
  type IcePolicy,
  type IceSelectedPair,
} from '../../ice/index.ts';
import { EndReason } from '../end-reason.ts';
import type { GnsCrypto } from '../handshake.ts';
import { decodeConnectionClosed, decodeNoConnection } from '../messages.ts';
import type { Problem } from '../packet-exchange.ts';
import { DATA_PACKET, PacketType } from '../protocol.ts';
import { p2pLimits } from './limits.ts';
import type { SignalMessage } from './rendezvous.ts';

/** What a path needs of an {@link IceAgent}. */
export type P2pAgent = Pick<
  IceAgent,
  'selectedPair' | 'setRemoteCredentials' | 'addRemoteCandidate' | 'send' | 'close'
>;

/** Where agents come from: an IcePool, with whatever drives it. */
export interface P2pIce {
  /**
   * An agent whose events are given to {@link P2pEndpoint.handleIce}, not before this returns.
   * `claims` tells whether a datagram is its connection's, where several share an address.
   */
  open(
    now: Millis,
    options: Omit<IceAgentOptions, 'crypto'>,
    claims: (datagram: Uint8Array) => boolean,
  ): P2pAgent;
  /** After a method of the agent was called. */
  touch(agent: P2pAgent): void;
}

export interface IcePathSetup {
  readonly ice: P2pIce;
  readonly crypto: GnsCrypto;
  readonly connectionId: number;
  readonly policy: IcePolicy;
  /** What the other side is to be told, through the reliable sub-stream. */
  readonly tell: (message: SignalMessage) => void;
  /** A datagram of the connection; the memory is good during the call. */
  readonly take: (now: Millis, datagram: Uint8Array) => void;
}

/**
 * ICE of one connection in GNS's dialect: the ufrag follows from the connection id, the accepting
 * side controls, and credentials and candidates travel in the reliable sub-stream. GNS
 * `CConnectionTransportP2PICE`. Nothing of ours is told before {@link IcePath.open}.
 */
export class IcePath {
  readonly #setup: IcePathSetup;
  readonly #credentials: IceCredentials;
  readonly #told = new Set<string>();
  #agent: P2pAgent | undefined;
  /** Of a peer whose request the application has yet to accept. */
  #early: SignalMessage[] = [];
  #remoteUfrag: string | undefined;
  #remotePassword: string | undefined;
  #failure: IceFailure | undefined;
  #hasRemoteCandidates = false;
  #hasCandidates = false;

  constructor(setup: IcePathSetup) {
    this.#setup = setup;
    this.#credentials = gnsIceCredentials(setup.crypto, setup.connectionId);
  }

  get agent(): P2pAgent | undefined {
    return this.#agent;
  }

  /** The way that packets take; `undefined` before there is one. */
  get pair(): IceSelectedPair | undefined {
    return this.#agent?.selectedPair;
  }

  get failure(): IceFailure | undefined {
    return this.#failure;
  }

  /** Has the other side been told of a candidate, or is there none to come? */
  get hasCandidates(): boolean {
    return this.#hasCandidates;
  }

  /** Begins to gather, and to check once the other side is known. Again with another role. */
  open(now: Millis, isControlling: boolean): void {
    this.close(now);
    const role = isControlling ? 'controlling' : 'controlled';
    const { ice, policy } = this.#setup;
    if (!this.#told.has(this.#credentials.password)) {
      this.#told.add(this.#credentials.password);
      this.#setup.tell({ type: 'auth', password: this.#credentials.password });
    }
    const credentials = this.#credentials;
    const options = { role, dialect: 'gns', credentials, policy } as const;
    this.#agent = ice.open(now, options, (datagram) => isFor(this.#setup.connectionId, datagram));
    this.#showRemoteCredentials(now, this.#agent);
    for (const message of this.#early) this.#give(now, this.#agent, message);
    this.#early = [];
    ice.touch(this.#agent);
  }

  /** The other side's connection id, from which its ufrag follows. */
  learnRemoteId(now: Millis, remoteId: number): void {
    const ufrag = gnsUfrag(remoteId);
    if (this.#remoteUfrag === ufrag) return;
    this.#remoteUfrag = ufrag;
    if (this.#agent === undefined) return;
    this.#showRemoteCredentials(now, this.#agent);
    this.#setup.ice.touch(this.#agent);
  }

  /** A message of the other side's. */
  handleMessage(now: Millis, message: SignalMessage): void {
    if (message.type === 'auth') {
      this.#remotePassword = message.password;
      this.#early = [];
    }
    if (this.#agent !== undefined) {
      this.#give(now, this.#agent, message);
      this.#setup.ice.touch(this.#agent);
    } else if (message.type === 'candidate' && this.#early.length < p2pLimits.earlyMessages) {
      this.#early.push(message);
    }
  }

  /** The agent tells something. True when the selected pair or the failure has changed. */
  handleEvent(now: Millis, event: IceEvent): boolean {
    if (event.type === 'localCandidate') {
      if (this.#told.has(event.text)) return false;
      this.#told.add(event.text);
      this.#hasCandidates = true;
      this.#setup.tell({ type: 'candidate', text: event.text });
    } else if (event.type === 'endOfLocalCandidates') {
      this.#hasCandidates = true;
    } else if (event.type === 'datagram') {
      this.#setup.take(now, event.bytes);
    } else if (event.type === 'stateChanged' && event.state === 'failed') {
      this.#failure = event.failure;
      return true;
    }
    return event.type === 'selectedPairChanged';
  }

  /** False when there is no way to send it. */
  send(now: Millis, datagram: Uint8Array): boolean {
    return this.#agent?.send(now, datagram) ?? false;
  }

  /** What was sent leaves. */
  flush(): void {
    if (this.#agent !== undefined) this.#setup.ice.touch(this.#agent);
  }

  close(now: Millis): void {
    const agent = this.#agent;
    this.#agent = undefined;
    this.#failure = undefined;
    if (agent === undefined) return;
    agent.close(now);
    this.#setup.ice.touch(agent);
  }

  /** Why there is no way yet (GNS `GuessICEFailureReason`, as far as it is known here). */
  explain(): Problem {
    if (this.#failure === 'noLocalCandidates') {
      const debug = 'No address of ours can be used: is a network up, is the relay reachable?';
      return { reason: EndReason.LocalP2pIceNoPublicAddresses, debug };
    }
    if (!this.#hasRemoteCandidates) {
      const debug = 'Never received any remote candidates';
      return { reason: EndReason.MiscP2pRendezvous, debug };
    }
    return { reason: EndReason.MiscP2pNatFirewall, debug: 'NAT traversal failed' };
  }

  #give(now: Millis, agent: P2pAgent, message: SignalMessage): void {
    if (message.type === 'auth') this.#showRemoteCredentials(now, agent);
    if (message.type !== 'candidate') return;
    if (agent.addRemoteCandidate(now, message.text)) this.#hasRemoteCandidates = true;
  }

  #showRemoteCredentials(now: Millis, agent: P2pAgent): void {
    const ufrag = this.#remoteUfrag;
    const password = this.#remotePassword;
    if (ufrag === undefined || password === undefined) return;
    agent.setRemoteCredentials(now, { ufrag, password });
  }
}

/** Whether a datagram of types data, 36 or 37 names this connection. */
function isFor(connectionId: number, datagram: Uint8Array): boolean {
  try {
    const type = datagram[0] ?? 0;
    if (type === PacketType.ConnectionClosed) {
      return decodeConnectionClosed(datagram).to === connectionId;
    }
    if (type === PacketType.NoConnection) return decodeNoConnection(datagram).to === connectionId;
    return type >= DATA_PACKET && new ByteReader(datagram.subarray(1)).u32le() === connectionId;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return false;
  }
}
