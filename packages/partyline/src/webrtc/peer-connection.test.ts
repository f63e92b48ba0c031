import { expectTypeOf, test } from 'vitest';
import type { DataChannelLike, PeerConnectionLike } from './peer-connection.ts';

test("a browser's RTCPeerConnection and RTCDataChannel fit unchanged", () => {
  expectTypeOf<RTCPeerConnection>().toExtend<PeerConnectionLike>();
  expectTypeOf<RTCDataChannel>().toExtend<DataChannelLike>();
});
