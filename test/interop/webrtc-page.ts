import { browserCrypto } from '../../packages/partyline/src/browser/crypto.ts';
import { browserScheduler } from '../../packages/partyline/src/browser/scheduler.ts';
import { createMember, type Member } from './webrtc-member.ts';

/** What a test calls in a page; bytes travel as base64. */
export interface PageMember {
  start(local: number, remote: number): void;
  handleSignal(payload: string): void;
  opened(): Promise<void>;
  closed(): Promise<string>;
  /** Numbered reliable packets, waiting for room. */
  sendNumbered(count: number): Promise<void>;
  receivedNumbers(): number[];
  /** Unreliable packets of 1000 bytes as fast as they are taken, for so long. */
  saturate(durationMs: number): Promise<number>;
  restartIce(): void;
  facts(): Promise<{ iceRestarts: number; candidates: unknown }>;
  close(): void;
}

declare global {
  interface Window {
    sendSignal(payload: string): void;
    member: PageMember;
  }
}

let member: Member | undefined;
const current = (): Member => {
  if (!member) throw new Error('not started');
  return member;
};
const writable = (): Promise<void> =>
  new Promise((resolve) => {
    current().onWritable = resolve;
  });

window.member = {
  start: (local, remote) => {
    member = createMember({
      local,
      remote,
      crypto: browserCrypto,
      scheduler: browserScheduler,
      createPeerConnection: () => new RTCPeerConnection(),
      sendSignal: (payload) => window.sendSignal(btoa(String.fromCharCode(...payload))),
    });
  },
  handleSignal: (payload) =>
    current().session.handleSignal(Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))),
  opened: () => current().opened,
  closed: () => current().closed,
  sendNumbered: async (count) => {
    const packet = new Uint8Array(200);
    for (let n = 0; n < count; ) {
      new DataView(packet.buffer).setUint32(0, n);
      if (current().session.send(packet, true)) n += 1;
      else await writable();
    }
  },
  receivedNumbers: () => current().received.map((bytes) => new DataView(bytes.buffer).getUint32(0)),
  saturate: async (durationMs) => {
    const packet = new Uint8Array(1000);
    let sent = 0;
    const end = performance.now() + durationMs;
    while (performance.now() < end) {
      if (current().session.send(packet, false)) sent += 1;
      else await Promise.race([writable(), new Promise((resolve) => setTimeout(resolve, 50))]);
    }
    return sent;
  },
  restartIce: () => current().session.restartIce(),
  facts: async () => ({
    iceRestarts: current().session.stats().iceRestarts,
    candidates: await current().session.candidateTypes(),
  }),
  close: () => current().session.close(),
};
