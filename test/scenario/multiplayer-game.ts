import { expect } from 'vitest';
import {
  Multiplayer,
  type MultiplayerOptions,
  type RpcContext,
  rpc,
} from '../../packages/partyline/src/multiplayer/index.ts';
import { LoopbackHub } from '../../packages/partyline/src/peers/index.ts';
import { VirtualClock } from '../../packages/partyline/src/testing/index.ts';

/** One program's Multiplayer, and what it heard. */
export interface Side {
  readonly multiplayer: Multiplayer;
  readonly log: string[];
}

export function side(options: MultiplayerOptions = {}): Side {
  const log: string[] = [];
  const onHandlerError = (error: unknown): void => void log.push(`error ${String(error)}`);
  const multiplayer = new Multiplayer({ onHandlerError, ...options });
  const { events } = multiplayer;
  events.on('connectedToServer', () => log.push('connectedToServer'));
  events.on('connectionFailed', ({ reason }) => log.push(`connectionFailed ${reason}`));
  events.on('serverDisconnected', ({ reason }) => log.push(`serverDisconnected ${reason}`));
  events.on('peerConnected', ({ id }) => log.push(`+${id}`));
  events.on('peerDisconnected', ({ id, reason }) => log.push(`-${id} ${reason}`));
  events.on('peerAuthenticating', ({ id }) => log.push(`?${id}`));
  events.on('peerAuthenticationFailed', ({ id, reason }) => log.push(`!${id} ${reason}`));
  events.on('peerPacket', ({ from, bytes, channel, mode }) =>
    log.push(`packet ${from} ${bytes.join()} ${channel} ${mode}`),
  );
  return { multiplayer, log };
}

/** A host and clients 2, 3 …, each with a Multiplayer; connected unless `start` is false. */
export function game(clients = 2, options: MultiplayerOptions = {}, start = true) {
  const clock = new VirtualClock();
  const hub = new LoopbackHub({ scheduler: clock });
  const host = side(options);
  host.multiplayer.peer = hub.host;
  const others = Array.from({ length: clients }, () => {
    const other = side(options);
    other.multiplayer.peer = hub.join();
    return other;
  });
  if (start) clock.advance(50);
  const sides = [host, ...others];
  if (start) for (const { log } of sides) log.length = 0;
  return { clock, hub, sides, host, others, at: (id: number): Side => sides[id - 1] ?? host };
}

/** The same rpcs on every side; each call is written to the side's log. */
export function rpcs(sides: readonly Side[]) {
  return sides.map(({ multiplayer, log }) => {
    const said =
      (name: string) =>
      ({ remoteSender }: RpcContext, ...args: number[]): void =>
        void log.push(`${name} from ${remoteSender} ${args.join()}`);
    return multiplayer.object('game', {
      any: rpc({ mode: 'anyPeer' }, said('any')),
      auth: rpc({}, said('auth')),
      off: rpc({ mode: 'disabled' }, said('off')),
      local: rpc({ mode: 'anyPeer', callLocal: true }, said('local')),
      fast: rpc({ mode: 'anyPeer', transferMode: 'unreliable', channel: 7 }, said('fast')),
      checked: rpc(
        {
          mode: 'anyPeer',
          validate: (args): number[] => {
            if (!args.every((n) => Number.isInteger(n))) throw new Error('whole numbers only');
            return args as number[]; // just checked
          },
        },
        said('checked'),
      ),
    });
  });
}

export const code = (value: string) => expect.objectContaining({ code: value });
