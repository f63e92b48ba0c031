import { CONFIG_FILE, printFlags } from '../config/index.ts';

export function helpText(): string {
  return `Partyline: identity, lobbies, signaling and relay for multiplayer games.

  partyline serve --dev             try it on this machine
  partyline serve --app my-game     serve a game
  partyline serve --help            every option
  partyline relay --secret S        STUN and TURN alone
  partyline nat HOST                how the NAT in front of this machine behaves
  partyline gns --help              netcat for GameNetworkingSockets
  partyline --version`;
}

export function serveHelpText(): string {
  return `partyline serve [options]

Each option can also stand in the environment (name in brackets) or in ${CONFIG_FILE}.
Stronger first: option, environment, file, --dev, default.

  --config FILE
      Reads FILE in place of ${CONFIG_FILE} (PARTYLINE_CONFIG)
  --print-config
      Prints every value and where it came from, and ends
${printFlags()}`;
}
