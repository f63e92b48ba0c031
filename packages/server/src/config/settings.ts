import type { ConfigInput } from './config.ts';

export type SettingName = keyof ConfigInput;

/**
 * How a value is written as text, on the command line and in the environment. `pairs` are
 * `NAME=VALUE`, given again for each; `names` make an object of empty objects.
 */
export type SettingKind = 'text' | 'number' | 'switch' | 'json' | 'pairs' | 'names';

export interface Setting {
  readonly name: SettingName;
  readonly kind: SettingKind;
  /** Without the dashes; repeatable for `pairs` and `names`. */
  readonly flag: string;
  readonly value: string;
  readonly help: string;
  /** Never printed. */
  readonly secret?: true;
}

/** Every setting: the table behind the flags, the environment, `--help` and docs/config.md. */
export const settings: readonly Setting[] = [
  {
    name: 'dev',
    kind: 'switch',
    flag: 'dev',
    value: '',
    help: 'For one machine: loopback only, apps «arena» and «dev», codes of four, readable logs; takes a free port when 7777 is in use.',
  },
  {
    name: 'listen',
    kind: 'text',
    flag: 'listen',
    value: 'HOST:PORT',
    help: 'Where HTTP and WebSockets are served. Port 0: any free one.',
  },
  {
    name: 'stun',
    kind: 'text',
    flag: 'stun',
    value: 'HOST:PORT|same|off',
    help: 'Where STUN answers (UDP). «same»: the host and the port number of --listen.',
  },
  {
    name: 'turn',
    kind: 'json',
    flag: 'turn',
    value: 'JSON',
    help: 'The TURN relay, as {"addresses": ["198.51.100.7=10.0.0.7"]}; docs/relay.md has every key.',
  },
  {
    name: 'tlsCert',
    kind: 'text',
    flag: 'tls-cert',
    value: 'FILE',
    help: 'Certificate with its chain (PEM): HTTPS and TURN over TLS on the port of --listen. Read again on SIGHUP.',
  },
  {
    name: 'tlsKey',
    kind: 'text',
    flag: 'tls-key',
    value: 'FILE',
    help: 'Its private key (PEM).',
  },
  {
    name: 'publicUrl',
    kind: 'text',
    flag: 'public-url',
    value: 'URL',
    help: 'How players reach this server. Needed with a domain name or behind a proxy: logins are signed for it.',
  },
  {
    name: 'gnsSignaling',
    kind: 'text',
    flag: 'gns-signaling',
    value: 'HOST:PORT|off',
    help: 'GNS’s trivial signaling (TCP), for native peers. It believes every name: keep it on 127.0.0.1 or a network you trust.',
  },
  {
    name: 'operator',
    kind: 'text',
    flag: 'operator',
    value: 'HOST:PORT|off',
    help: 'Where the operator is answered by HTTP: /metrics for Prometheus, /turn/usage, kicks. On loopback without a token.',
  },
  {
    name: 'operatorToken',
    kind: 'text',
    flag: 'operator-token',
    value: 'TOKEN',
    help: 'Asked for there, as «Authorization: Bearer TOKEN». Better in the environment: others see command lines.',
    secret: true,
  },
  {
    name: 'dataDir',
    kind: 'text',
    flag: 'data-dir',
    value: 'DIR',
    help: 'Where keys are kept; made when missing, for this user alone.',
  },
  {
    name: 'apps',
    kind: 'names',
    flag: 'app',
    value: 'ID',
    help: 'A game that this server serves; give it again for more. Logins by token are configured in the file.',
  },
  {
    name: 'mounts',
    kind: 'pairs',
    flag: 'mount',
    value: 'NAME=DIR',
    help: 'Serves the files of DIR at /NAME/.',
  },
  {
    name: 'codeLength',
    kind: 'number',
    flag: 'code-length',
    value: '6|4',
    help: 'Letters of a lobby code.',
  },
  {
    name: 'seatHoldMs',
    kind: 'number',
    flag: 'seat-hold-ms',
    value: 'MS',
    help: 'How long the seat of a dropped player is held.',
  },
  {
    name: 'loginTimeoutMs',
    kind: 'number',
    flag: 'login-timeout-ms',
    value: 'MS',
    help: 'How long a socket may stay without a login.',
  },
  {
    name: 'keepAliveMs',
    kind: 'number',
    flag: 'keep-alive-ms',
    value: 'MS',
    help: 'How often sockets are pinged; two unanswered pings end one.',
  },
  {
    name: 'shutdownMs',
    kind: 'number',
    flag: 'shutdown-ms',
    value: 'MS',
    help: 'How long a shutdown waits for sockets to close.',
  },
  {
    name: 'trustedProxies',
    kind: 'number',
    flag: 'trusted-proxies',
    value: 'N',
    help: 'Reverse proxies in front of this server: the player’s address is taken from X-Forwarded-For, N from its end.',
  },
  {
    name: 'logLevel',
    kind: 'text',
    flag: 'log-level',
    value: 'LEVEL',
    help: 'silent, error, warn, info, debug or trace.',
  },
  {
    name: 'logFormat',
    kind: 'text',
    flag: 'log-format',
    value: 'json|pretty',
    help: 'One JSON object a line, or for eyes.',
  },
  {
    name: 'rateLimits',
    kind: 'json',
    flag: 'rate-limits',
    value: 'JSON',
    help: 'Rates of docs/limits.md to replace, as {"chat": {"perSecond": 5, "burst": 20}}.',
  },
  {
    name: 'limits',
    kind: 'json',
    flag: 'limits',
    value: 'JSON',
    help: 'Counts of docs/config.md to replace, as {"sockets": 5000}.',
  },
];

/** `publicUrl` → `PARTYLINE_PUBLIC_URL`. */
export function environmentName(setting: Setting): string {
  return `PARTYLINE_${setting.name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
