import { type FakeConditions, fakeLimits } from './fake-conditions.ts';
import {
  type GnsOptions,
  type NumberOption,
  optionRanges,
  type ResolvedGnsOptions,
} from './options.ts';

/** One of GNS's configuration values: what GNS's GetConfigValueInfo tells. */
export interface GnsConfigValue {
  /** Without `k_ESteamNetworkingConfig_`. */
  readonly name: string;
  /** `ESteamNetworkingConfigValue` */
  readonly number: number;
  readonly type: 'int32' | 'float';
  /** In GNS's unit, as are `max` and what `get` and `set` speak of. */
  readonly min: number;
  readonly max: number;
  /** Where it stands among {@link GnsOptions}. */
  readonly option: keyof GnsOptions;
  get(values: ResolvedGnsOptions): number;
  /** Absent for what can only be read. */
  readonly set?: (value: number) => GnsOptions;
}

type Direction = 'fakeSend' | 'fakeReceive';

/** A number that we have too, `perOurs` of GNS's unit to one of ours. */
function plain(name: string, number: number, option: NumberOption, perOurs = 1): GnsConfigValue {
  const { min, max } = optionRanges[option];
  return {
    ...{ name, number, option, type: 'int32', min: min * perOurs, max: max * perOurs },
    get: (values) => values[option] * perOurs,
    set: (value) => ({ [option]: value / perOurs }),
  };
}

function fake(
  name: string,
  number: number,
  type: GnsConfigValue['type'],
  [option, condition]: readonly [Direction, keyof FakeConditions],
): GnsConfigValue {
  return {
    ...{ name, number, option, type, min: 0, max: fakeLimits[condition] },
    get: (values) => values[option][condition],
    set: (value) => ({ [option]: { [condition]: value } }),
  };
}

/** GNS has one such time for both directions; ours have one each. */
function fakeTime(name: string, number: number, condition: keyof FakeConditions): GnsConfigValue {
  return {
    ...{ name, number, option: 'fakeSend', type: 'int32', min: 0, max: fakeLimits[condition] },
    get: (values) => values.fakeSend[condition],
    set: (value) => ({ fakeSend: { [condition]: value }, fakeReceive: { [condition]: value } }),
  };
}

/** Bytes of a datagram that are not the message, in GNS's reckoning of MTU_DataSize. */
const MTU_OVERHEAD_BYTES = 100;

/** GNS's values that are here, in the order of docs/gns.md#config. */
export const gnsConfigValues: readonly GnsConfigValue[] = Object.freeze([
  plain('TimeoutInitial', 24, 'timeoutInitialMs'),
  plain('TimeoutConnected', 25, 'timeoutConnectedMs'),
  plain('SendBufferSize', 9, 'sendBufferBytes'),
  plain('RecvBufferSize', 47, 'receiveBufferBytes'),
  plain('RecvBufferMessages', 48, 'receiveBufferMessages'),
  plain('RecvMaxMessageSize', 49, 'maxMessageBytes'),
  plain('RecvMaxSegmentsPerPacket', 50, 'maxSegmentsPerPacket'),
  plain('SendRateMin', 10, 'sendRateMinBytesPerSecond'),
  plain('SendRateMax', 11, 'sendRateMaxBytesPerSecond'),
  plain('NagleTime', 12, 'nagleMs', 1000),
  plain('IP_AllowWithoutAuth', 23, 'allowWithoutAuth'),
  plain('IPLocalHost_AllowWithoutAuth', 52, 'localHostAllowWithoutAuth'),
  plain('MTU_PacketSize', 32, 'mtuBytes'),
  {
    ...{ name: 'MTU_DataSize', number: 33, option: 'mtuBytes', type: 'int32' },
    ...{ min: optionRanges.mtuBytes.min - MTU_OVERHEAD_BYTES },
    ...{ max: optionRanges.mtuBytes.max - MTU_OVERHEAD_BYTES },
    get: ({ mtuBytes }) => mtuBytes - MTU_OVERHEAD_BYTES,
  },
  plain('Unencrypted', 34, 'unencrypted'),
  {
    ...{ name: 'SendTimeSincePreviousPacket', number: 59, type: 'int32', min: -1, max: 1 },
    option: 'sendTimeSincePrevious',
    get: ({ sendTimeSincePrevious }) => (sendTimeSincePrevious ? 1 : 0),
    set: (value) => ({ sendTimeSincePrevious: value === 1 }), // -1: off, as GNS has it for plain UDP
  },
  plain('OutOfOrderCorrectionWindowMicroseconds', 51, 'outOfOrderCorrectionMs', 1000),
  fake('FakePacketLoss_Send', 2, 'float', ['fakeSend', 'lossPercent']),
  fake('FakePacketLoss_Recv', 3, 'float', ['fakeReceive', 'lossPercent']),
  fake('FakePacketLag_Send', 4, 'int32', ['fakeSend', 'lagMs']),
  fake('FakePacketLag_Recv', 5, 'int32', ['fakeReceive', 'lagMs']),
  fake('FakePacketJitter_Send_Avg', 53, 'float', ['fakeSend', 'jitterAvgMs']),
  fake('FakePacketJitter_Send_Max', 54, 'float', ['fakeSend', 'jitterMaxMs']),
  fake('FakePacketJitter_Send_Pct', 55, 'float', ['fakeSend', 'jitterPercent']),
  fake('FakePacketJitter_Recv_Avg', 56, 'float', ['fakeReceive', 'jitterAvgMs']),
  fake('FakePacketJitter_Recv_Max', 57, 'float', ['fakeReceive', 'jitterMaxMs']),
  fake('FakePacketJitter_Recv_Pct', 58, 'float', ['fakeReceive', 'jitterPercent']),
  fake('FakePacketReorder_Send', 6, 'float', ['fakeSend', 'reorderPercent']),
  fake('FakePacketReorder_Recv', 7, 'float', ['fakeReceive', 'reorderPercent']),
  fakeTime('FakePacketReorder_Time', 8, 'reorderMs'),
  fake('FakePacketDup_Send', 26, 'float', ['fakeSend', 'duplicatePercent']),
  fake('FakePacketDup_Recv', 27, 'float', ['fakeReceive', 'duplicatePercent']),
  fakeTime('FakePacketDup_TimeMax', 28, 'duplicateMs'),
  fake('FakeRateLimit_Send_Rate', 42, 'int32', ['fakeSend', 'rateBytesPerSecond']),
  fake('FakeRateLimit_Send_Burst', 43, 'int32', ['fakeSend', 'burstBytes']),
  fake('FakeRateLimit_Recv_Rate', 44, 'int32', ['fakeReceive', 'rateBytesPerSecond']),
  fake('FakeRateLimit_Recv_Burst', 45, 'int32', ['fakeReceive', 'burstBytes']),
]);
