import { EVERYONE } from 'partyline';
import { connect, type Lobby, type LobbyPeer, openPeer } from 'partyline/browser';

/** What a test calls in a page. */
export interface MeshPage {
  /** Creates a lobby, or joins the one of this code; gives the code. */
  enter(server: string, as: string, code?: string): Promise<string>;
  readonly id: number;
  /** The peers that are linked, and by which wire. */
  wires(): readonly string[];
  /** To all, or to one. */
  say(text: string, to?: number): void;
  /** What came, as `sender:text`; who came and went, as `+id` and `-id`. */
  readonly heard: readonly string[];
  readonly events: readonly string[];
  leave(): Promise<void>;
}

declare global {
  interface Window {
    mesh: MeshPage;
  }
}

let entered: { readonly lobby: Lobby; readonly peer: LobbyPeer } | undefined;
const current = (): { readonly lobby: Lobby; readonly peer: LobbyPeer } => {
  if (!entered) throw new Error('not in a lobby');
  return entered;
};
const heard: string[] = [];
const events: string[] = [];

window.mesh = {
  heard,
  events,
  enter: async (server, as, code) => {
    const session = await connect({ server, app: 'arena', as });
    const { lobbies } = session;
    const lobby = code === undefined ? await lobbies.create() : await lobbies.join(code);
    const peer = await openPeer(lobby, { topology: 'mesh' });
    peer.events.on('peerConnected', ({ id }) => events.push(`+${id}`));
    peer.events.on('peerDisconnected', ({ id }) => events.push(`-${id}`));
    peer.events.on('readable', () => {
      for (let m = peer.receive(); m; m = peer.receive()) {
        heard.push(`${m.from}:${new TextDecoder().decode(m.bytes)}`);
      }
    });
    entered = { lobby, peer };
    return lobby.code;
  },
  get id() {
    return current().peer.id;
  },
  wires: () => current().peer.peers.map((id) => `${id} ${current().peer.stats(id)?.wire}`),
  say: (text, to = EVERYONE) => current().peer.send(to, new TextEncoder().encode(text)),
  leave: () => current().lobby.leave(),
};
