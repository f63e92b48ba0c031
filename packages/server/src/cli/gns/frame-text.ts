import { FrameKind, type FrameReader } from 'partyline/protocol/snp';

/**
 * The frames of one decrypted packet in words, as docs/wire/snp.md names them.
 * @throws DecodeError where the packet breaks the rules
 */
export function describeFrames(
  reader: FrameReader,
  plaintext: Uint8Array,
  packetNumber: number,
): string[] {
  const frames: string[] = [];
  reader.reset(plaintext);
  for (let kind = reader.next(); kind !== FrameKind.End; kind = reader.next()) {
    frames.push(describeFrame(reader, kind, packetNumber));
  }
  return frames;
}

function describeFrame(reader: FrameReader, kind: FrameKind, packetNumber: number): string {
  const bytes = reader.end - reader.start;
  switch (kind) {
    case FrameKind.StopWaiting:
      return `stop-waiting below ${packetNumber - reader.stopWaitingOffset - 1}`;
    case FrameKind.Ack:
      return describeAck(reader);
    case FrameKind.SelectLane:
      return `lane ${reader.lane}`;
    case FrameKind.Reliable: {
      const { positionBits: bits, position } = reader;
      return `reliable ${bytes} bytes at ${bits === 0 ? `+${position}` : `${position} (${bits} bits)`}`;
    }
    case FrameKind.Unreliable: {
      const { messageNumberBits: bits, messageNumber, messageOffset, isLastSegment } = reader;
      const number = bits === 0 ? `+${messageNumber}` : `${messageNumber} (${bits} bits)`;
      const place = messageOffset === 0 ? '' : ` from ${messageOffset}`;
      return `unreliable ${bytes} bytes of message ${number}${place}${isLastSegment ? ', its end' : ''}`;
    }
    default:
      return 'end';
  }
}

function describeAck(reader: FrameReader): string {
  const delay =
    reader.ackDelay === 0xffff ? '' : ` after ${(reader.ackDelay * 0.032).toFixed(2)} ms`;
  const parts = [`ack to ${reader.latest} (${reader.latestBits} bits)${delay}`];
  while (reader.ackBlocks > 0) {
    reader.nextAckBlock();
    parts.push(`${reader.ackCount} here and ${reader.nackCount} missing before`);
  }
  return parts.join(', ');
}
