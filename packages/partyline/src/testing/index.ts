export { Bottleneck, type BottleneckOptions } from './bottleneck.ts';
export {
  NatBox,
  type NatBoxOptions,
  type NatDependence,
  type NatKind,
  natKinds,
  type SimAddress,
} from './nat-box.ts';
export { mulberry32, seededBytes } from './random.ts';
export { SimHost, SimInternet, SimLan, type SimSocket } from './sim-internet.ts';
export { type LinkConditions, SimNetwork } from './sim-network.ts';
export { SimWire, type SimWireConditions, type SimWireHandlers } from './sim-wire.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
