/** Random, both 16-bit halves other than 0 (GNS `BInitConnection`). */
export function drawConnectionId(randomBytes: (length: number) => Uint8Array): number {
  for (;;) {
    const bytes = randomBytes(4);
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if ((id & 0xffff) !== 0 && id >>> 16 !== 0) return id;
  }
}
