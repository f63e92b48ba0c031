import { describeMesh, describeMultiplayerPeer } from '../contract/multiplayer-peer-suite.ts';
import { lobbyOfThree } from './lobby-of-three.ts';

describeMultiplayerPeer('the relay of a real server', () => lobbyOfThree({ wires: ['relay'] }));

describeMesh('the relay of a real server', () =>
  lobbyOfThree({ topology: 'mesh', wires: ['relay'] }),
);
