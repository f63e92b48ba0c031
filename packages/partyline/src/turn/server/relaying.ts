import type { Millis } from '../../base/index.ts';
import {
  AddressFamily,
  channelDataBytes,
  channelOf,
  channelPayload,
  dataIndicationBytes,
  FrameSlab,
  SendIndication,
  writeChannelData,
  writeDataIndication,
} from '../index.ts';
import type { Allocation, Peer, RelayPort } from './allocation.ts';
import type { ResolvedTurnOptions } from './options.ts';
import type { RelayTable } from './relay-table.ts';
import { readSiblingFrame, SIBLING_HEADER_BYTES, writeSiblingFrame } from './sibling-frame.ts';
import type { TransmitQueue } from './transmits.ts';
import type { TurnStats } from './turn-stats.ts';

/** IP and UDP headers of a datagram: what an MTU has room for is less. */
const IPV4_OVERHEAD_BYTES = 28;
const IPV6_OVERHEAD_BYTES = 48;

/** The path of every relayed packet: RFC 8656 §11 and §12. Allocates nothing that can be used again. */
export class Relaying {
  readonly #options: ResolvedTurnOptions;
  readonly #relays: RelayTable;
  readonly #transmits: TransmitQueue;
  readonly #stats: TurnStats;
  readonly #send = new SendIndication();
  readonly #slab = new FrameSlab();
  #serial = 0;

  constructor(
    options: ResolvedTurnOptions,
    relays: RelayTable,
    transmits: TransmitQueue,
    stats: TurnStats,
  ) {
    this.#options = options;
    this.#relays = relays;
    this.#transmits = transmits;
    this.#stats = stats;
  }

  /** RFC 8656 §12.6. */
  handleChannelData(now: Millis, allocation: Allocation, bytes: Uint8Array): void {
    const payload = channelPayload(bytes);
    if (payload === undefined) {
      this.#stats.malformed++;
      return;
    }
    const channel = allocation.channels.get(channelOf(bytes));
    if (channel === undefined || channel.boundUntilMs <= now) {
      this.#stats.unpermitted++;
      return;
    }
    this.#toPeer(now, allocation, channel.peer, channel.port, payload);
  }

  /** RFC 8656 §11.2. */
  handleSend(now: Millis, allocation: Allocation, bytes: Uint8Array): void {
    const send = this.#send;
    if (!send.read(bytes)) {
      this.#stats.malformed++;
      return;
    }
    const isIpv4 = send.family === AddressFamily.Ipv4;
    const peer = isIpv4 ? allocation.ipv4Peer(send.ipv4) : allocation.peer(send.host());
    if (peer === undefined || peer.permittedUntilMs <= now) {
      this.#stats.unpermitted++;
      return;
    }
    if (send.isDontFragment) {
      const overhead = isIpv4 ? IPV4_OVERHEAD_BYTES : IPV6_OVERHEAD_BYTES;
      if (send.payload.length + overhead > this.#options.limits.mtuBytes) {
        this.#stats.tooBig++;
        return;
      }
    }
    this.#toPeer(now, allocation, peer, send.port, send.payload);
  }

  /** RFC 8656 §11.3 and §12.7. */
  handlePeer(now: Millis, relay: RelayPort, host: string, port: number, bytes: Uint8Array): void {
    const { allocation } = relay;
    const peer = allocation.peer(host);
    if (peer === undefined || peer.permittedUntilMs <= now || allocation.state !== 'open') {
      this.#stats.unpermitted++;
      return;
    }
    if (!this.#spend(now, allocation, bytes.length)) return;
    const { socket, clientHost, clientPort } = allocation;
    const channel = peer.channels.get(port);
    let frame: Uint8Array;
    if (channel !== undefined && channel.boundUntilMs > now) {
      frame = this.#slab.reserve(channelDataBytes(bytes.length, socket.isStream));
      writeChannelData(frame, 0, channel.number, bytes, socket.isStream);
    } else {
      frame = this.#slab.reserve(dataIndicationBytes(bytes.length, peer.ip.length));
      this.#serial = (this.#serial + 1) >>> 0;
      writeDataIndication(frame, 0, this.#serial, peer.ip, port, bytes);
    }
    this.#transmits.toClient(socket, clientHost, clientPort, frame);
  }

  /** What a sibling's allocation sent to one of ours. */
  handleSibling(now: Millis, bytes: Uint8Array): void {
    const frame = readSiblingFrame(bytes);
    const relay = frame && this.#relays.ofFamily(frame.family, frame.toPort);
    if (!relay || !this.#relays.isSiblings(frame.fromPort)) {
      this.#stats.unpermitted++;
      return;
    }
    this.handlePeer(now, relay, relay.host, frame.fromPort, frame.payload);
  }

  /** Of the frames made since the last call. */
  settleFrames(isHeld: boolean): void {
    this.#slab.settle(isHeld);
  }

  #toPeer(
    now: Millis,
    allocation: Allocation,
    peer: Peer,
    port: number,
    payload: Uint8Array,
  ): void {
    const relay = allocation.relayOf(peer.family);
    if (relay === undefined) return;
    if (!this.#spend(now, allocation, payload.length)) return;
    if (!peer.verdict.isLocal && port !== 0) {
      this.#transmits.toPeer(relay, peer.host, port, payload);
      return;
    }
    // To another allocation of ours without leaving the house: works behind NATs that do not hairpin.
    const other = peer.verdict.isOwnRelay ? this.#relays.find(peer.host, port) : undefined;
    if (other) this.handlePeer(now, other, relay.host, relay.port, payload);
    else if (peer.verdict.isOwnRelay && this.#relays.isSiblings(port)) {
      const frame = this.#slab.reserve(SIBLING_HEADER_BYTES + payload.length);
      const { family, port: fromPort } = relay;
      writeSiblingFrame(frame, { family, toPort: port, fromPort, payload });
      this.#transmits.toSibling(port, frame);
    } else if (this.isPortOpen(peer, port)) this.#transmits.toPeer(relay, peer.host, port, payload);
    else this.#stats.unpermitted++;
  }

  /** Whether a local peer's port may be sent to: a relayed address in use, or what the operator opened. */
  isPortOpen({ host, verdict }: Pick<Peer, 'host' | 'verdict'>, port: number): boolean {
    if (port === 0) return false; // nobody's, and sockets throw at it
    if (!verdict.isLocal) return verdict.isAllowed;
    if (verdict.isOwnRelay && (this.#relays.find(host, port) || this.#relays.isSiblings(port))) {
      return true; // a sibling drops what is for nobody
    }
    return verdict.isAllowed && !this.#options.ownPorts.has(port);
  }

  #spend(now: Millis, allocation: Allocation, bytes: number): boolean {
    const isWithin =
      allocation.ofPlayer.spend(now, bytes) && allocation.ofAddress.spend(now, bytes);
    if (!isWithin) {
      this.#stats.overBandwidth++;
      return false;
    }
    this.#stats.relayedPackets++;
    this.#stats.relayedBytes += bytes;
    return true;
  }
}
