import type { StunAddress } from '../stun/index.ts';

/** RFC 8445 §5.1.1: on an interface, seen by a STUN server, seen by the other side, lent by a relay. */
export type IceCandidateType = 'host' | 'srflx' | 'prflx' | 'relay';

/** RFC 8445 §5.1, for UDP. */
export interface IceCandidate {
  readonly type: IceCandidateType;
  /** A numeric address, or an mDNS name of the other side's that the shell has to resolve. */
  readonly host: string;
  readonly port: number;
  /** RFC 8445 §5.1.2. */
  readonly priority: number;
  /** RFC 8445 §5.1.1.3. */
  readonly foundation: string;
  /** 1; GNS has 0. */
  readonly component: number;
  /** The address it was made from; for people only. */
  readonly related?: StunAddress | undefined;
}

/** A candidate of ours, as the driver or the pool gives it to the agent. */
export interface IceLocalCandidate {
  readonly type: Exclude<IceCandidateType, 'prflx'>;
  /** The address to be told to the other side. */
  readonly address: StunAddress;
  /** Address of the socket it is sent from; a relay's is the relayed address. Default `address`. */
  readonly base?: StunAddress;
  /** Chosen by the driver; `srflx` has that of the host candidate it was learned from. */
  readonly socket: number;
  /** The relay or STUN server it was learned from: part of the foundation. Default none. */
  readonly server?: string;
  /** How the relay is reached: `udp` is preferred to `tcp`, `tcp` to `tls`, `tls` to `ws`. Default `udp`. */
  readonly relayTransport?: 'udp' | 'tcp' | 'tls' | 'ws';
  /** 0 to 255: which interface is better. Default 255. */
  readonly interfacePreference?: number;
}
