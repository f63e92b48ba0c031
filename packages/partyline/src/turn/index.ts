export {
  AddressFamily,
  addressErrorCode,
  addressFamily,
  channelNumber,
  decodeAddressFamily,
  decodeChannelNumber,
  decodeEvenPort,
  decodeLifetime,
  decodeRequestedTransport,
  decodeReservationToken,
  evenPort,
  lifetime,
  RESERVATION_TOKEN_BYTES,
  requestedTransport,
  TurnAttributeType,
} from './attributes.ts';
export {
  CHANNEL_HEADER_BYTES,
  channelDataBytes,
  channelOf,
  channelPayload,
  looksLikeChannelData,
  MAX_CHANNEL,
  MAX_TURN_FRAME_BYTES,
  MIN_CHANNEL,
  turnFrameLength,
  writeChannelData,
} from './channel-frame.ts';
export {
  allocateTurn,
  parseTurnUrl,
  TurnAllocation,
  type TurnAllocationHandlers,
  type TurnAllocationStats,
  type TurnCarrier,
  type TurnCarrierFactory,
  type TurnCarrierHandlers,
  type TurnClientLimits,
  type TurnClientOptions,
  type TurnEndpoint,
  type TurnServerAddress,
  type TurnTransport,
  type TurnWebSocket,
  type TurnWebSockets,
  turnClientLimitDefaults,
  webSocketTurnCarriers,
} from './client/index.ts';
export { FrameSlab } from './frame-slab.ts';
export {
  DATA_INDICATION,
  dataIndicationBytes,
  looksLikeDataIndication,
  looksLikeSend,
  SEND_INDICATION,
  SendIndication,
  writeDataIndication,
  writeSendIndication,
} from './indications.ts';
export { TRANSPORT_UDP, TurnErrorCode, TurnMethod } from './methods.ts';
export {
  parseRestUsername,
  type RestCredential,
  restCredential,
  restPassword,
} from './rest-credentials.ts';
export { TURN_SUBPROTOCOL, TURN_WEB_SOCKET_PATH } from './web-socket.ts';
