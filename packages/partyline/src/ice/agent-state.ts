/** What an agent is doing; drawn in docs/states/ice-agent.md. */
export type IceState = 'new' | 'checking' | 'connected' | 'disconnected' | 'failed' | 'closed';

/** Every move that there is. */
export const iceTransitions: Readonly<Record<IceState, readonly IceState[]>> = {
  // The other side may have checked and nominated before its candidates reach us.
  new: ['checking', 'connected', 'failed', 'closed'],
  checking: ['connected', 'failed', 'closed'],
  connected: ['disconnected', 'failed', 'closed'],
  disconnected: ['connected', 'failed', 'closed'],
  failed: ['closed'],
  closed: [],
};
