export type { CandidatePairTypes } from './candidate-pair.ts';
export { webRtcLimits } from './limits.ts';
export type {
  CandidateEvent,
  CandidateInit,
  ChannelMessageEvent,
  DataChannelEvent,
  DataChannelInit,
  DataChannelLike,
  DescriptionLike,
  PeerConnectionEvent,
  PeerConnectionLike,
  StatsReportLike,
} from './peer-connection.ts';
export type { WebRtcContext } from './proof.ts';
export type { WebRtcCrypto } from './proof-exchange.ts';
export { isFromLibdatachannel, readSdp, type SdpFacts } from './sdp.ts';
export { WebRtcSession } from './session.ts';
export type {
  WebRtcSessionHandlers,
  WebRtcSessionOptions,
  WebRtcSessionStats,
  WebRtcTiming,
} from './session-options.ts';
export { type WebRtcSessionState, webRtcSessionTransitions } from './session-state.ts';
