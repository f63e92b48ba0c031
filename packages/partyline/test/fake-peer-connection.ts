import type { Scheduler } from '../src/base/index.ts';
import type {
  CandidateEvent,
  CandidateInit,
  ChannelMessageEvent,
  DataChannelEvent,
  DataChannelInit,
  DataChannelLike,
  DescriptionLike,
  PeerConnectionEvent,
  PeerConnectionLike,
} from '../src/webrtc/index.ts';

/**
 * Peer connections in memory, for tests: two of them meet when each has applied the other's
 * description of one negotiation and one candidate has arrived on either side, as ICE would have it.
 */
export class FakeNetwork {
  readonly scheduler: Scheduler;
  readonly connections: FakePeerConnection[] = [];
  /** What the DTLS handshake does with the next connection that has a path. */
  nextHandshake: 'succeeds' | 'stalls' | 'fails' = 'succeeds';
  /** Origin field of descriptions; `rtc` is libdatachannel's. */
  origin = '-';
  canRestartIce = true;
  /**
   * An answer is at work so long before the page is told, in milliseconds, and the other side's
   * checks make up for its candidates: Chromium's network thread, ahead of a busy page.
   */
  answerLagMs = 0;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  create(): FakePeerConnection {
    const connection = new FakePeerConnection(this, this.connections.length + 1);
    this.connections.push(connection);
    return connection;
  }

  /** Loses or restores the path of everybody. */
  setIceState(state: 'connected' | 'disconnected' | 'failed'): void {
    for (const connection of this.connections) connection.moveIce(state);
  }

  /** Joins a connection with the one whose descriptions fit, if there is one. */
  join(connection: FakePeerConnection): void {
    for (const other of this.connections) {
      if (other !== connection && connection.fits(other) && other.fits(connection)) {
        const handshake = this.nextHandshake;
        this.nextHandshake = 'succeeds';
        connection.meet(other, handshake);
        other.meet(connection, handshake);
      }
    }
  }
}

export class FakePeerConnection implements PeerConnectionLike {
  readonly #network: FakeNetwork;
  readonly #id: number;
  readonly channels: Map<number, FakeDataChannel> = new Map();
  readonly #listeners: { type: string; listener: (event: never) => void }[] = [];
  localDescription: DescriptionLike | null = null;
  remoteDescription: DescriptionLike | null = null;
  signalingState = 'stable';
  connectionState = 'new';
  iceConnectionState = 'new';
  restartIce?: () => void;
  /** Written into the next description in place of our own certificate's. */
  fingerprint: string;
  #generation = 0;
  #wantsRestart = false;
  #hasRemoteCandidate = false;
  #remoteAtWork: DescriptionLike | undefined;

  constructor(network: FakeNetwork, id: number) {
    this.#network = network;
    this.#id = id;
    const byte = id.toString(16).toUpperCase().padStart(2, '0');
    this.fingerprint = Array<string>(32).fill(byte).join(':');
    if (network.canRestartIce) {
      this.restartIce = () => {
        this.#wantsRestart = true;
      };
    }
  }

  createDataChannel(_label: string, init: DataChannelInit): FakeDataChannel {
    const channel = new FakeDataChannel(this.#network.scheduler);
    this.channels.set(init.id, channel);
    return channel;
  }

  async setLocalDescription(): Promise<void> {
    await undefined;
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    const isNew = this.#generation === 0 || this.#wantsRestart || type === 'answer';
    if (isNew) this.#generation += 1;
    this.#wantsRestart = false;
    this.localDescription = { type, sdp: this.#sdp() };
    this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
    this.#changeIce('checking');
    for (const host of [1, 2, 3]) this.#network.scheduler.after(host, () => this.#found(host));
    this.#network.join(this);
  }

  async setRemoteDescription(description: DescriptionLike): Promise<void> {
    await undefined;
    const expected = { offer: 'stable', answer: 'have-local-offer' }[String(description.type)];
    if (this.signalingState !== expected) throw new Error(`${description.type} out of place`);
    const { answerLagMs, scheduler } = this.#network;
    const isLate = description.type === 'answer' && answerLagMs > 0;
    this.#remoteAtWork = description;
    this.#hasRemoteCandidate = isLate;
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
    this.#network.join(this);
    if (isLate) await new Promise<void>((resolve) => scheduler.after(answerLagMs, resolve));
    this.remoteDescription = description;
  }

  async addIceCandidate({ candidate }: CandidateInit): Promise<void> {
    await undefined;
    const ufrag = /a=ice-ufrag:(\S+)/.exec(this.remoteDescription?.sdp ?? '')?.[1];
    if (!ufrag || !candidate.includes(ufrag)) throw new Error('candidate of another generation');
    this.#hasRemoteCandidate = true;
    this.#network.join(this);
  }

  close(): void {
    if (this.connectionState === 'closed') return;
    this.connectionState = 'closed';
    this.iceConnectionState = 'closed';
    for (const channel of this.channels.values()) channel.endBoth();
  }

  addEventListener(type: 'icecandidate', listener: (event: CandidateEvent) => void): void;
  addEventListener(type: PeerConnectionEvent, listener: () => void): void;
  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.push({ type, listener });
  }

  /** The other has applied exactly what we last described, and knows a way to us. */
  fits(other: FakePeerConnection): boolean {
    return (
      this.connectionState !== 'closed' &&
      this.signalingState === 'stable' &&
      this.localDescription !== null &&
      other.#remoteAtWork?.sdp === this.localDescription.sdp &&
      other.#hasRemoteCandidate
    );
  }

  meet(other: FakePeerConnection, handshake: 'succeeds' | 'stalls' | 'fails'): void {
    this.#changeIce('connected');
    if (this.connectionState !== 'new') return;
    this.#change(handshake === 'fails' ? 'failed' : 'connecting');
    if (handshake !== 'succeeds') return;
    this.#network.scheduler.after(2, () => {
      if (this.connectionState !== 'connecting' || other.connectionState === 'closed') return;
      this.#change('connected');
      for (const [id, channel] of this.channels) channel.open(other.channels.get(id));
    });
  }

  moveIce(state: 'connected' | 'disconnected' | 'failed'): void {
    if (this.connectionState === 'closed' || this.connectionState === 'new') return;
    this.#changeIce(state);
    this.#change(state);
  }

  #sdp(): string {
    return [
      'v=0',
      `o=${this.#network.origin} 1 ${this.#generation} IN IP4 127.0.0.1`,
      's=-',
      't=0 0',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      `a=ice-ufrag:${this.#ufrag()}`,
      `a=fingerprint:sha-256 ${this.fingerprint}`,
      'a=mid:0',
      '',
    ].join('\r\n');
  }

  #ufrag(): string {
    return `u${this.#id}g${this.#generation}`;
  }

  #found(host: number): void {
    if (this.connectionState === 'closed') return;
    const usernameFragment = this.#ufrag();
    const candidate = `candidate:${host} 1 UDP 1 192.0.2.${host} 9 typ host ufrag ${usernameFragment}`;
    this.#emit('icecandidate', { candidate: { candidate, usernameFragment } });
  }

  #changeIce(state: string): void {
    if (this.iceConnectionState === state) return;
    this.iceConnectionState = state;
    this.#emit('iceconnectionstatechange', undefined);
  }

  #change(state: string): void {
    if (this.connectionState === state) return;
    this.connectionState = state;
    this.#emit('connectionstatechange', undefined);
  }

  #emit(type: string, event: unknown): void {
    this.#network.scheduler.soon(() => {
      if (this.connectionState === 'closed') return;
      for (const entry of this.#listeners) {
        if (entry.type === type) entry.listener(event as never);
      }
    });
  }
}

export class FakeDataChannel implements DataChannelLike {
  readonly #scheduler: Scheduler;
  readonly #listeners: { type: string; listener: (event: never) => void }[] = [];
  #other: FakeDataChannel | undefined;
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  binaryType = 'blob';
  /** Bytes stay in the buffer: a stuck channel. */
  isStuck = false;
  /** Changes what is sent before it arrives; `undefined` drops it. */
  tamper: (bytes: Uint8Array) => Uint8Array | undefined = (bytes) => bytes;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  open(other: FakeDataChannel | undefined): void {
    this.#other = other;
    this.readyState = 'open';
    this.#emit('open');
  }

  send(bytes: Uint8Array): void {
    if (this.readyState !== 'open') throw new Error('not open');
    this.bufferedAmount += bytes.length;
    const tampered = this.tamper(bytes.slice());
    if (this.isStuck) return;
    this.#scheduler.after(1, () => {
      const wasHigh = this.bufferedAmount > this.bufferedAmountLowThreshold;
      this.bufferedAmount -= bytes.length;
      const isLow = this.bufferedAmount <= this.bufferedAmountLowThreshold;
      if (wasHigh && isLow) this.#emit('bufferedamountlow');
      if (tampered) this.#other?.deliver(tampered);
    });
  }

  deliver(bytes: Uint8Array): void {
    if (this.readyState === 'closed') return;
    this.#emit('message', { data: bytes.slice().buffer });
  }

  endBoth(): void {
    this.readyState = 'closed';
    const other = this.#other;
    this.#scheduler.after(1, () => other?.end());
  }

  end(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.#emit('close');
  }

  addEventListener(type: 'message', listener: (event: ChannelMessageEvent) => void): void;
  addEventListener(type: DataChannelEvent, listener: () => void): void;
  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.push({ type, listener });
  }

  #emit(type: string, event?: ChannelMessageEvent): void {
    for (const entry of this.#listeners) if (entry.type === type) entry.listener(event as never);
  }
}
