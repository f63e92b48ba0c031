import { Emitter } from '../base/index.ts';
import type { Lobby } from '../client/index.ts';
import {
  type IdentitySignaling,
  type IdentitySignalingEvents,
  MAX_SIGNAL_PAYLOAD_BYTES,
} from '../signaling/index.ts';

/** What GNS calls a member of a lobby. */
export function memberIdentity({ player }: { readonly player: string }): string {
  return `str:${player}`;
}

/**
 * GNS P2P through a lobby: its members are `str:<player id>`. Signals are signed and verified by the
 * lobby, so who sent one is certain, and with that whose keys a handshake in it shows.
 */
export function lobbyP2pSignaling(lobby: Lobby): IdentitySignaling & Disposable {
  const emitter = new Emitter<IdentitySignalingEvents>();
  const stop = lobby.signaling.events.on('signal', ({ from, payload: bytes }) => {
    const member = lobby.member(from);
    if (member !== undefined) emitter.emit('signal', { from: memberIdentity(member), bytes });
  });
  return {
    events: emitter,
    send: (to, bytes) => {
      const member = lobby.members.find((one) => one !== lobby.me && memberIdentity(one) === to);
      const fits = bytes.length <= MAX_SIGNAL_PAYLOAD_BYTES;
      if (member !== undefined && fits && !lobby.isClosed) lobby.signaling.send(member.id, bytes);
    },
    [Symbol.dispose]: stop,
  };
}
