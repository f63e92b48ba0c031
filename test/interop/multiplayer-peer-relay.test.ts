import { describeMultiplayerPeer } from '../contract/multiplayer-peer-suite.ts';
import { lobbyStar } from './lobby-star.ts';

describeMultiplayerPeer('the relay of a real server', () => lobbyStar({ wires: ['relay'] }));
