/** Content of one relay frame: `relayPacketBytes` of the server's limits (docs/limits.md). */
export const RELAY_PACKET_BYTES: number = 16 * 1024;
