import type { Clock } from '../base/index.ts';
import type { TurnCredentials } from './turn-credentials.ts';
import { TurnRelay } from './turn-relay.ts';
import type { ShareChange, WorkerStart } from './worker-messages.ts';

/** One of several relays: in a process of its own, or in this one beside the others. */
export function openWorkerRelay(
  start: Pick<WorkerStart, 'listen' | 'tcp' | 'tls' | 'rules' | 'ports' | 'allPorts' | 'ownPorts'>,
  tools: {
    readonly clock: Clock;
    readonly credentials: TurnCredentials;
    onShare(change: ShareChange): void;
    onError(error: Error): void;
  },
): Promise<TurnRelay> {
  const { clock, credentials, onShare, onError } = tools;
  const { realm, ...rules } = start.rules;
  const isAlone = start.ports.min === start.allPorts.min && start.ports.max === start.allPorts.max;
  return TurnRelay.open({
    clock,
    listen: start.listen,
    tcp: start.tcp,
    tls: start.tls,
    ownPorts: start.ownPorts,
    turn: {
      ...rules,
      ...(realm === undefined ? {} : { realm }),
      accountOf: (username) => credentials.accountOf(username),
      ports: start.ports,
      ...(isAlone ? {} : { siblingPorts: start.allPorts }),
      onShare: (kind, name, allocations) => onShare({ kind, name, allocations }),
    },
    onError,
  });
}
