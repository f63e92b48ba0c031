import type { Scheduler } from '../../packages/partyline/src/base/index.ts';
import type { Crypto } from '../../packages/partyline/src/crypto/index.ts';
import {
  type PeerConnectionLike,
  WebRtcSession,
} from '../../packages/partyline/src/webrtc/index.ts';

/** One of two members with well-known keys, in Node or in a page; the smaller id offers. */
export interface MemberOptions {
  readonly local: number;
  readonly remote: number;
  readonly crypto: Crypto;
  readonly scheduler: Scheduler;
  readonly createPeerConnection: () => PeerConnectionLike;
  readonly sendSignal: (payload: Uint8Array) => void;
}

export interface Member {
  readonly session: WebRtcSession;
  readonly received: Uint8Array[];
  onPacket: (packet: Uint8Array, reliable: boolean) => void;
  onWritable: () => void;
  /** Resolves when open, rejects with the reason when it ends before. */
  readonly opened: Promise<void>;
  readonly closed: Promise<string>;
}

const seedOf = (member: number): Uint8Array => new Uint8Array(32).fill(member);

export function createMember(options: MemberOptions): Member {
  const { crypto, local, remote } = options;
  let open = (): void => {};
  let fail = (_reason: Error): void => {};
  let close = (_reason: string): void => {};
  const received: Uint8Array[] = [];
  const session = new WebRtcSession({
    context: {
      app: 'interop',
      lobby: 'interop',
      epoch: 1,
      local,
      remote,
      remoteKey: crypto.ed25519PublicKey(seedOf(remote)),
    },
    sign: (bytes) => crypto.ed25519Sign(seedOf(local), bytes),
    crypto,
    scheduler: options.scheduler,
    createPeerConnection: options.createPeerConnection,
    sendSignal: options.sendSignal,
    handlers: {
      onOpen: () => open(),
      onPacket: (packet, reliable) => member.onPacket(packet, reliable),
      onWritable: () => member.onWritable(),
      onClosed: (reason, code) => {
        fail(new Error(`${code}: ${reason}`));
        close(reason);
      },
    },
  });
  const member: Member = {
    session,
    received,
    onPacket: (packet) => received.push(packet.slice()),
    onWritable: () => {},
    opened: new Promise((resolve, reject) => {
      open = resolve;
      fail = reject;
    }),
    closed: new Promise((resolve) => {
      close = resolve;
    }),
  };
  member.opened.catch(() => {});
  return member;
}
