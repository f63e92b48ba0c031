import { describeMultiplayerPeer } from '../contract/multiplayer-peer-suite.ts';
import { lobbyStar } from './lobby-star.ts';

describeMultiplayerPeer('WebRTC (node-datachannel)', () => lobbyStar({ wires: ['webrtc'] }));
