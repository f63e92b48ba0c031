import type { PartylineServer } from '../api/index.ts';
import type { Config } from '../config/index.ts';
import { describeReach } from '../turn/index.ts';

/**
 * What a newcomer sees once the server runs: where to click, what to do there, how to stop. `advice`
 * is a line of who started us, where `{url}` stands for this server's address.
 */
export function banner(
  server: Pick<
    PartylineServer,
    'url' | 'port' | 'stunPort' | 'relayHosts' | 'turnPorts' | 'gnsSignalingPort'
  >,
  config: Pick<Config, 'apps' | 'mounts' | 'turn' | 'tlsCert'>,
  advice?: string,
): string {
  const { url, port, stunPort, relayHosts, turnPorts, gnsSignalingPort } = server;
  const games = Object.keys(config.mounts);
  const lines = ['', '  Partyline is running.', ''];
  for (const game of games) {
    lines.push(
      `  Play          ${url}/${game}/`,
      `  Two players   ${url}/${game}/?as=alice`,
      `                ${url}/${game}/?as=bob`,
      '                Open them in two windows: create a lobby in one, join it in the other.',
      '',
    );
  }
  if (advice) lines.push(`  ${advice.replaceAll('{url}', url)}`, '');
  const apps = Object.keys(config.apps).join(', ');
  lines.push(
    `  API           ${url.replace(/^http/, 'ws')}/v1   (apps: ${apps})`,
    `  Status        ${url}/healthz`,
  );
  if (stunPort !== undefined) lines.push(`  STUN          UDP port ${stunPort}`);
  if (relayHosts.length > 0) {
    lines.push(
      `  TURN          UDP port ${turnPorts.join(', ')}, TCP port ${port}${config.tlsCert ? ' (and TLS)' : ''}`,
      `                relays from ${describeReach(relayHosts, config.turn.ports)}`,
    );
  }
  if (gnsSignalingPort !== undefined) lines.push(`  GNS signals   TCP port ${gnsSignalingPort}`);
  lines.push('', '  Stop it with Ctrl+C.', '');
  return lines.join('\n');
}
