import { nodePair } from './webrtc-node-pair.ts';

/** Run as a program: opens, talks, closes mid-flow, and must then end by itself, without a crash. */
for (let round = 0; round < 5; round++) {
  const [a, b] = nodePair();
  await Promise.all([a.opened, b.opened]);
  for (let n = 0; n < 100; n++) {
    a.session.send(new Uint8Array(900), n % 2 === 0);
    b.session.send(new Uint8Array(900), n % 2 === 1);
  }
  (round % 2 === 0 ? a : b).session.close();
  await (round % 2 === 0 ? b : a).closed;
}
