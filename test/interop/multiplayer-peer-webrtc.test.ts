import { describeMesh, describeMultiplayerPeer } from '../contract/multiplayer-peer-suite.ts';
import { lobbyOfThree } from './lobby-of-three.ts';

describeMultiplayerPeer('WebRTC (node-datachannel)', () => lobbyOfThree({ wires: ['webrtc'] }));

describeMesh('WebRTC (node-datachannel)', () =>
  lobbyOfThree({ topology: 'mesh', wires: ['webrtc'] }),
);
