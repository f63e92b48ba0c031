export {
  decodeFrame,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_VERSION,
  type Frame,
  FrameType,
} from './frame.ts';
export {
  MAX_SIGNAL_BYTES,
  type MemberId,
  type Signaling,
  type SignalingEvents,
} from './signaling.ts';
