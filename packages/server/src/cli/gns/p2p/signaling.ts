import { isNetError } from 'partyline';
import {
  type Lobby,
  lobbyP2pSignaling,
  memberIdentity,
  startSession,
  TrivialSignaling,
} from 'partyline/node';
import type { IdentitySignaling } from 'partyline/protocol/signaling';
import type { IceServerChoice, P2pCommand } from './command.ts';

/** A signaling and how to end it. */
export interface OpenSignaling {
  readonly signaling: IdentitySignaling;
  /** What it calls us. */
  readonly identity: string;
  /** Whom to call: who was named, or else the first other one who comes. */
  readonly remote: (named: string | undefined) => Promise<string>;
  /** What it offers for ICE. */
  readonly iceServers: readonly IceServerChoice[];
  close(): Promise<void>;
}

/** Throws signals away and doubles them, as `--signaling-loss` and `--signaling-dup` of test_p2p. */
export function badSignaling(
  signaling: IdentitySignaling,
  { signalingLoss, signalingDup }: Pick<P2pCommand, 'signalingLoss' | 'signalingDup'>,
): IdentitySignaling {
  if (signalingLoss === 0 && signalingDup === 0) return signaling;
  return {
    events: signaling.events,
    send: (to, bytes) => {
      if (Math.random() * 100 < signalingLoss) return;
      signaling.send(to, bytes);
      if (Math.random() * 100 < signalingDup) signaling.send(to, bytes);
    },
  };
}

/** How long the signaling server may take, in ms. */
const PATIENCE_MS = 10_000;

/** @throws Error for people when the server is not there. */
export async function openTrivial(
  identity: string,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<OpenSignaling> {
  const signaling = new TrivialSignaling({ host, port, identity });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE_MS);
  });
  const isThere = await Promise.race([signaling.connected.then(() => true), late]);
  clearTimeout(timer);
  if (isThere) {
    const remote = (named = ''): Promise<string> => Promise.resolve(named);
    return { signaling, identity, remote, iceServers: [], close: () => signaling.close() };
  }
  await signaling.close();
  throw new SignalingError(`No signaling server answers at ${host}:${port}.`);
}

/** The message is for people. */
export class SignalingError extends Error {}

/** A lobby of our server: joined by its code, or made. `tell` hears of the code. */
export async function openLobby(
  { server, app, code }: Extract<P2pCommand['signaling'], { type: 'lobby' }>,
  tell: (code: string) => void,
): Promise<OpenSignaling> {
  const session = startSession({ server, app, capabilities: ['gns'] });
  try {
    const { lobbies } = session;
    const lobby = await (code === undefined ? lobbies.create() : lobbies.join(code));
    if (code === undefined) tell(lobby.code);
    const iceServers = await lobby.iceServers();
    const signaling = lobbyP2pSignaling(lobby);
    return {
      signaling,
      identity: memberIdentity(lobby.me),
      remote: (named) => firstOther(lobby, named),
      iceServers: iceServers.flatMap(({ urls, ...credential }) =>
        urls.map((one) => ({ urls: one, ...credential })),
      ),
      close: async () => {
        signaling[Symbol.dispose]();
        await session.close();
      },
    };
  } catch (error) {
    await session.close();
    if (!isNetError(error)) throw error;
    throw new SignalingError(`No lobby: ${error.message} (${error.code})`);
  }
}

/** A member with that identity, or whoever is there besides us. */
function firstOther(lobby: Lobby, named: string | undefined): Promise<string> {
  const find = (): string | undefined =>
    lobby.members
      .filter((member) => member !== lobby.me)
      .map(memberIdentity)
      .find((identity) => named === undefined || identity === named);
  const known = find();
  if (known !== undefined) return Promise.resolve(known);
  return new Promise((resolve) => {
    const stop = lobby.events.on('memberJoined', () => {
      const found = find();
      if (found === undefined) return;
      stop();
      resolve(found);
    });
  });
}
