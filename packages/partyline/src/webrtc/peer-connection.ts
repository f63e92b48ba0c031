/**
 * The part of the W3C's WebRTC API (https://www.w3.org/TR/webrtc/) that a session uses, written
 * structurally: a browser passes its `RTCPeerConnection` unchanged, Node an adaptor over
 * node-datachannel (`node/peer-connection.ts`), a test a pair in memory.
 */
export interface PeerConnectionLike {
  readonly localDescription: DescriptionLike | null;
  readonly remoteDescription: DescriptionLike | null;
  readonly signalingState: string;
  readonly connectionState: string;
  readonly iceConnectionState: string;
  createDataChannel(label: string, init: DataChannelInit): DataChannelLike;
  /** Offers or answers, as the signaling state asks. */
  setLocalDescription(): Promise<void>;
  setRemoteDescription(description: DescriptionLike): Promise<void>;
  addIceCandidate(candidate: CandidateInit): Promise<void>;
  /** The next offer gathers anew. Missing where the stack cannot restart ICE (node-datachannel). */
  restartIce?(): void;
  /** Entries by id. Missing where the stack has none. */
  getStats?(): Promise<StatsReportLike>;
  /** Its data channels too, without an event on this side. */
  close(): void;
  addEventListener(type: 'icecandidate', listener: (event: CandidateEvent) => void): void;
  addEventListener(type: PeerConnectionEvent, listener: () => void): void;
}

export type PeerConnectionEvent = 'connectionstatechange' | 'iceconnectionstatechange';

export interface DescriptionLike {
  readonly type: 'offer' | 'answer' | 'pranswer' | 'rollback';
  readonly sdp: string;
}

export interface CandidateInit {
  /** `candidate:…`, RFC 8839 §5.1. */
  readonly candidate: string;
  readonly sdpMLineIndex: number;
}

export interface CandidateEvent {
  /** `null` and an empty `candidate` mark the end of gathering. */
  readonly candidate: {
    readonly candidate: string;
    /** Which gathering it belongs to: after an ICE restart late ones of the old may come. */
    readonly usernameFragment: string | null;
  } | null;
}

/** What a W3C `RTCStatsReport` is for us. */
export interface StatsReportLike {
  forEach(callback: (entry: unknown) => void): void;
}

export interface DataChannelInit {
  readonly negotiated: true;
  readonly id: number;
  readonly ordered: boolean;
  /** Milliseconds after which an unacknowledged message is given up. Default: never. */
  readonly maxPacketLifeTime?: number;
}

export interface DataChannelLike {
  readonly readyState: string;
  /** Bytes accepted and not yet on the network. */
  readonly bufferedAmount: number;
  /** `bufferedamountlow` fires when `bufferedAmount` falls to this. */
  bufferedAmountLowThreshold: number;
  binaryType: string;
  /** Copies the bytes before it returns. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  addEventListener(type: 'message', listener: (event: ChannelMessageEvent) => void): void;
  addEventListener(type: DataChannelEvent, listener: () => void): void;
}

export type DataChannelEvent = 'open' | 'close' | 'bufferedamountlow';

export interface ChannelMessageEvent {
  /** An `ArrayBuffer`, a `Uint8Array` valid during the call only, or (refused by us) text. */
  readonly data: unknown;
}
