export { Bottleneck, type BottleneckOptions } from './bottleneck.ts';
export { mulberry32, seededBytes } from './random.ts';
export { type LinkConditions, SimNetwork } from './sim-network.ts';
export { SimWire, type SimWireConditions, type SimWireHandlers } from './sim-wire.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
