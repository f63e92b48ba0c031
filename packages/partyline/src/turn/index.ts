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
  DATA_INDICATION,
  dataIndicationBytes,
  looksLikeSend,
  SEND_INDICATION,
  SendIndication,
  writeDataIndication,
} from './indications.ts';
export { TRANSPORT_UDP, TurnErrorCode, TurnMethod } from './methods.ts';
export {
  parseRestUsername,
  type RestCredential,
  restCredential,
  restPassword,
} from './rest-credentials.ts';
