export {
  decodeFrame,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_VERSION,
  type Frame,
  FrameType,
} from './frame.ts';
export type { IdentitySignaling, IdentitySignalingEvents } from './identity-signaling.ts';
export {
  MAX_SIGNAL_BYTES,
  type MemberId,
  type Signaling,
  type SignalingEvents,
} from './signaling.ts';
export {
  decodeSignedSignal,
  MAX_SIGNAL_PAYLOAD_BYTES,
  type OpenedSignal,
  openSignal,
  SIGNED_SIGNAL_OVERHEAD_BYTES,
  SIGNED_SIGNAL_VERSION,
  type SignalRefusal,
  type SignedSignal,
  signSignal,
} from './signed-signal.ts';
export {
  decodeTrivialGreeting,
  decodeTrivialSignal,
  encodeTrivialGreeting,
  encodeTrivialSignal,
  LineSplitter,
  splitTrivialLine,
  type TrivialSignal,
  trivialLimits,
} from './trivial-line.ts';
