import { parseArgs } from 'node:util';
import { discoverNat } from 'partyline/node';
import type { NatBehavior, NatDependence } from 'partyline/protocol/stun';
import { ConfigError, parseListenAddress, printHost } from '../config/index.ts';
import type { Terminal } from './main.ts';

const DEFAULT_PORT = 3479;

export const natHelpText: string = `partyline nat HOST[:PORT]

How the NAT in front of this machine maps and filters UDP (RFC 5780), asked of a server that
runs «partyline relay --discovery-address A --discovery-address B» (port ${DEFAULT_PORT}).

  --from IP                   the interface to ask from
  --json                      one line for programs`;

const mappings: Readonly<Record<NatDependence | 'none', string>> = {
  none: 'no NAT: this machine has a public address',
  endpointIndependent: 'one outer port for all peers: others reach it directly',
  addressDependent: 'an outer port for each peer address: hard to reach directly',
  addressAndPortDependent:
    'an outer port for each peer («symmetric»): a relay is needed unless the other side is open',
};
const filters: Readonly<Record<NatDependence, string>> = {
  endpointIndependent: 'anybody may send to it («full cone»)',
  addressDependent: 'who was sent to may answer from any port («restricted cone»)',
  addressAndPortDependent: 'only who was sent to may answer («port-restricted»)',
};

/** `partyline nat`: 0 when the server has told, 1 when it has not. */
export async function nat(args: readonly string[], terminal: Terminal): Promise<number> {
  const { host, port, from, isJson } = readArgs(args);
  try {
    const found = await discoverNat({ host, port, ...(from !== undefined && { localHost: from }) });
    terminal.out(isJson ? JSON.stringify(found) : describeNat(found));
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    terminal.err(`${error.message} (${printHost(host)}:${port}). Is UDP blocked?`);
    return 1;
  }
}

function describeNat({ mapped, mapping, filtering, rewritesPayload }: NatBehavior): string {
  const unknown = 'unknown: the server has one address only';
  return [
    `mapped     ${printHost(mapped.host)}:${mapped.port}`,
    `mapping    ${mapping ? mappings[mapping] : unknown}`,
    `filtering  ${filtering ? filters[filtering] : unknown}`,
    ...(rewritesPayload
      ? ['caution    something on the way rewrites addresses inside of datagrams']
      : []),
  ].join('\n');
}

/** @throws ConfigError */
function readArgs(args: readonly string[]): {
  readonly host: string;
  readonly port: number;
  readonly from: string | undefined;
  readonly isJson: boolean;
} {
  const options = { from: { type: 'string' }, json: { type: 'boolean' } } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch {
    throw new ConfigError(natHelpText);
  }
  const [text, ...others] = parsed.positionals;
  if (text === undefined || others.length > 0) throw new ConfigError(natHelpText);
  const whole = parseListenAddress(text) ?? parseListenAddress(`${text}:${DEFAULT_PORT}`);
  if (!whole) throw new ConfigError(`HOST[:PORT], not «${text}».`);
  return { ...whole, from: parsed.values.from, isJson: parsed.values.json === true };
}
