import { countedLimits } from './counted.ts';

export const gnsHelpText: string = `partyline gns listen HOST:PORT [options]     port 0: any, which is printed
partyline gns connect HOST:PORT [options]
partyline gns cert NAME --ca-key FILE --out FILE

Talks to any peer of Valve's GameNetworkingSockets over UDP, as netcat does over TCP. Without
--count, standard input goes to the peer in reliable messages and the peer's messages to standard
output; who has sent all its input closes, once it has arrived; who had none waits for the peer.

  --echo               listen: sends every message back, to all who connect, until Ctrl+C
                       connect: expects everything back before it closes
  --count N            connect: sends N messages; listen: expects N (at most ${countedLimits.count.max})
  --size BYTES         of each of them, ${countedLimits.size.min} to ${countedLimits.size.max} (default 100), the same on both sides
  --reliable           sends them reliably (default: unreliably)
  --lanes N            spreads them over N lanes; or PRIORITY:WEIGHT of each, as 0:2,0:1,1:1
  --send-rate BYTES    a second, in place of GNS's 262144
  --identity NAME      who we say we are: NAME or str:NAME, gen:HEX, steamid:NUMBER (default: anonymous)
  --cert FILE          and the proof: what SetCertificate takes, with the private key, binary or base64
  --peer NAME          who the peer must say it is
  --ca KEY             of the CA that must vouch for the peer: «ssh-ed25519 …», hex, or a file
  --fake-loss PERCENT  of the datagrams are lost, each way; and as GNS's FakePacket values:
  --fake-lag MS        added to every datagram, each way
  --fake-jitter MS     and this on average to some, without swapping any
  --fake-reorder PERCENT, --fake-dup PERCENT  of the datagrams come late, or twice
  --trace DIR          writes listen.* or connect.*: .pcap for Wireshark, .txt with payloads decrypted,
                       .keys with the session secrets
  --stats              every second, and at the end
  --json               one object a line in place of sentences; the last one has "event":"result"

cert makes what --cert takes: a key and the word of a CA that it is NAME's, --days 365 from now, for
--app-id 0. The key of the CA is read, or made if there is none, and its public half is printed for --ca.

Ends with 0 when all that was promised arrived, 1 when not, 2 for a mistake in the command.
Ctrl+C closes after what is reliable has arrived; pressed again it ends at once.`;
