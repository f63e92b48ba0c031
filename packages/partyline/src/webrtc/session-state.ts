/**
 * negotiating: descriptions and candidates travel, the transport opens. proving: both data channels
 * are open, the other side's proof is awaited. open: packets flow. restoring: open, but ICE lost the
 * path. closed: the end, with a reason.
 */
export type WebRtcSessionState = 'negotiating' | 'proving' | 'open' | 'restoring' | 'closed';

/**
 * Every move that may happen. docs/states/webrtc-session.md draws this table, and
 * session-state.test.ts fails if the drawing and the table differ.
 */
export const webRtcSessionTransitions: Readonly<
  Record<WebRtcSessionState, readonly WebRtcSessionState[]>
> = {
  negotiating: ['proving', 'closed'],
  proving: ['open', 'negotiating', 'closed'],
  open: ['restoring', 'closed'],
  restoring: ['open', 'closed'],
  closed: [],
};
