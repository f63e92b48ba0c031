import { TrivialSignaling } from 'partyline/node';
import type { IdentitySignaling } from 'partyline/protocol/signaling';
import type { P2pCommand } from './command.ts';

/** A signaling and how to end it. */
export interface OpenSignaling {
  readonly signaling: IdentitySignaling;
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
  if (isThere) return { signaling, close: () => signaling.close() };
  await signaling.close();
  throw new SignalingError(`No signaling server answers at ${host}:${port}.`);
}

/** The message is for people. */
export class SignalingError extends Error {}
