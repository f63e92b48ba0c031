import { p2pMeasurements } from './gns-p2p/connect-times.ts';
import { runBench } from './harness.ts';

/** The native peer is `interop/gns-native` (its build.sh), protocol version 13. */
await runBench({
  name: 'gns-p2p',
  peer: 'GameNetworkingSockets (native)',
  load: 'nine connections one after another on one LAN, host candidates; signals by loopback TCP (ours) or pipes',
  measurements: p2pMeasurements,
});
