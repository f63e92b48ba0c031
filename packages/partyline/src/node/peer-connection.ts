import type { DataChannel, PeerConnection, RtcConfig } from 'node-datachannel';
import { NetError } from '../base/index.ts';
import {
  type CandidateEvent,
  type CandidateInit,
  type DataChannelInit,
  type DescriptionLike,
  isFromLibdatachannel,
  type PeerConnectionEvent,
  type PeerConnectionLike,
  type StatsReportLike,
} from '../webrtc/index.ts';
import { NodeDataChannel } from './peer-connection-channel.ts';
import { type NodeIceServer, nativeIceServers } from './peer-connection-servers.ts';

/** The W3C's `RTCConfiguration`, as far as it is used, and what only Node needs. */
export interface NodePeerConnectionConfig {
  /** Default: none. TURN over UDP only; servers of other transports are left out. */
  readonly iceServers?: readonly NodeIceServer[];
  /** Default `all`. */
  readonly iceTransportPolicy?: 'all' | 'relay';
  /** Address to bind. Default: all. */
  readonly bindAddress?: string;
}

export type CreatePeerConnection = (config?: NodePeerConnectionConfig) => PeerConnectionLike;

/** An answer is held back for at most so long: docs/adr/0027. */
const HOLD_ANSWER_MS = 100;
const ADVICE =
  'WebRTC in Node needs the package node-datachannel 0.33: npm install node-datachannel@0.33.4';

/** @throws NetError `WEBRTC_UNAVAILABLE` when node-datachannel is missing or does not load here. */
export async function loadPeerConnections(
  load: () => Promise<{ PeerConnection: NativeConstructor }> = () => import('node-datachannel'),
): Promise<CreatePeerConnection> {
  try {
    const { PeerConnection } = await load();
    return (config = {}) => {
      return new NodePeerConnection(new PeerConnection('partyline', nativeConfig(config)));
    };
  } catch (cause) {
    throw new NetError('WEBRTC_UNAVAILABLE', ADVICE, { cause });
  }
}

export type NativeConstructor = new (name: string, config: RtcConfig) => PeerConnection;

function nativeConfig(config: NodePeerConnectionConfig): RtcConfig {
  return {
    iceServers: nativeIceServers(config.iceServers ?? []),
    iceTransportPolicy: config.iceTransportPolicy ?? 'all',
    disableAutoNegotiation: true,
    ...(config.bindAddress === undefined ? {} : { bindAddress: config.bindAddress }),
  };
}

/**
 * node-datachannel in the W3C's shape. It ends cleanly by closing the native connection and nothing
 * else, neither its channels nor the library by `cleanup()` (docs/adr/0028).
 */
class NodePeerConnection implements PeerConnectionLike {
  readonly #native: PeerConnection;
  readonly #channels: NodeDataChannel[] = [];
  readonly #candidateListeners: ((event: CandidateEvent) => void)[] = [];
  readonly #stateListeners: { type: PeerConnectionEvent; listener: () => void }[] = [];
  #releaseAnswer: () => void = () => {};
  #isRemoteLibdatachannel = false;
  #remoteMid = '0';
  #connectionState = 'new';
  #iceConnectionState = 'new';
  #isClosed = false;

  constructor(native: PeerConnection) {
    this.#native = native;
    native.onLocalCandidate((candidate) => this.#foundCandidate(candidate));
    // The states as of the event: the native ones run ahead of the queued callbacks, each of which
    // has a queue of its own, so that a failure may come before what led to it.
    native.onStateChange((state) => {
      this.#connectionState = state;
      if (state === 'failed' && !this.#isClosed) this.#iceConnectionState = native.iceState();
      this.#emit('connectionstatechange');
    });
    native.onIceStateChange((state) => {
      this.#iceConnectionState = state;
      if (hasPath(state)) this.#releaseAnswer();
      this.#emit('iceconnectionstatechange');
    });
  }

  get localDescription(): DescriptionLike | null {
    return this.#isClosed ? null : described(this.#native.localDescription());
  }

  get remoteDescription(): DescriptionLike | null {
    return this.#isClosed ? null : described(this.#native.remoteDescription());
  }

  get signalingState(): string {
    return this.#isClosed ? 'closed' : this.#native.signalingState();
  }

  get connectionState(): string {
    return this.#isClosed ? 'closed' : this.#connectionState;
  }

  get iceConnectionState(): string {
    return this.#isClosed ? 'closed' : this.#iceConnectionState;
  }

  createDataChannel(label: string, init: DataChannelInit): NodeDataChannel {
    const { ordered, ...rest } = init;
    const channel = new NodeDataChannel(
      this.#native.createDataChannel(label, { ...rest, unordered: !ordered }) satisfies DataChannel,
    );
    this.#channels.push(channel);
    return channel;
  }

  async setLocalDescription(): Promise<void> {
    const type = { stable: 'offer', 'have-remote-offer': 'answer' } as const;
    const state = this.signalingState;
    // Checked here: the native call aborts the whole program when it does not fit.
    const isPossible = this.#channels.length > 0;
    if ((state !== 'stable' && state !== 'have-remote-offer') || !isPossible) {
      throw new NetError('PEER_CONNECT_FAILED', `no local description in state ${state}`);
    }
    this.#native.setLocalDescription(type[state]);
    if (type[state] === 'answer' && this.#isRemoteLibdatachannel) await this.#holdAnswer();
  }

  async setRemoteDescription({ type, sdp }: DescriptionLike): Promise<void> {
    this.#isRemoteLibdatachannel = isFromLibdatachannel(sdp);
    this.#remoteMid = /^a=mid:(\S+)/m.exec(sdp)?.[1] ?? '0';
    // The side whose ICE connects last must be the DTLS client, and that is the offerer.
    const isCured = type === 'offer' && this.#isRemoteLibdatachannel;
    const applied = isCured ? sdp.replace(/^a=setup:actpass/m, 'a=setup:active') : sdp;
    this.#native.setRemoteDescription(applied, type);
  }

  async addIceCandidate({ candidate }: CandidateInit): Promise<void> {
    this.#native.addRemoteCandidate(candidate, this.#remoteMid);
  }

  async getStats(): Promise<StatsReportLike> {
    const pair = this.#isClosed ? null : this.#native.getSelectedCandidatePair();
    if (!pair) return new Map();
    const ends = [
      { id: 'local', type: 'local-candidate', end: pair.local },
      { id: 'remote', type: 'remote-candidate', end: pair.remote },
    ].map(({ id, type, end }): [string, unknown] => [
      id,
      { id, type, candidateType: end.type, protocol: end.transportType.toLowerCase() },
    ]);
    const transport = { id: 'transport', type: 'transport', selectedCandidatePairId: 'pair' };
    const selected = { id: 'pair', localCandidateId: 'local', remoteCandidateId: 'remote' };
    return new Map<string, unknown>([
      ...ends,
      ['pair', { ...selected, type: 'candidate-pair', state: 'succeeded', nominated: true }],
      ['transport', transport],
    ]);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#releaseAnswer();
    for (const channel of this.#channels) channel.end();
    // This alone: closing the native channels too left callbacks behind that keep the loop alive.
    this.#native.close();
  }

  addEventListener(type: 'icecandidate', listener: (event: CandidateEvent) => void): void;
  addEventListener(type: PeerConnectionEvent, listener: () => void): void;
  addEventListener(
    type: 'icecandidate' | PeerConnectionEvent,
    listener: ((event: CandidateEvent) => void) | (() => void),
  ): void {
    if (type === 'icecandidate') this.#candidateListeners.push(listener);
    // By the overloads, a listener of another type takes no argument.
    else this.#stateListeners.push({ type, listener: listener as () => void });
  }

  #foundCandidate(line: string): void {
    if (this.#isClosed) return;
    const candidate = line.replace(/^a=/, '');
    for (const listener of this.#candidateListeners) {
      listener({ candidate: { candidate, usernameFragment: null } });
    }
  }

  #emit(type: PeerConnectionEvent): void {
    if (this.#isClosed) return;
    for (const entry of this.#stateListeners) if (entry.type === type) entry.listener();
  }

  /** Until our ICE has a path, so that theirs connects last. */
  #holdAnswer(): Promise<void> {
    if (hasPath(this.iceConnectionState)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, HOLD_ANSWER_MS);
      this.#releaseAnswer = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function hasPath(iceState: string): boolean {
  return iceState === 'connected' || iceState === 'completed';
}

function described(native: { type: string; sdp: string } | null): DescriptionLike | null {
  if (native === null) return null;
  return { type: native.type === 'offer' ? 'offer' : 'answer', sdp: native.sdp };
}
