import { countedLimits } from './counted.ts';

export const gnsHelpText: string = `partyline gns listen HOST:PORT [options]     port 0: any, which is printed
partyline gns connect HOST:PORT [options]
partyline gns cert NAME --ca-key FILE --out FILE
partyline gns p2p --role ROLE --signaling URL [options]     peers by name; p2p --help has its options
partyline gns signaling [HOST:PORT]         GNS's trivial signaling server (default 127.0.0.1:10000)

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

export const p2pHelpText: string = `partyline gns p2p --role client|server|symmetric --signaling URL [options]

Calls a peer by name, or waits for its call, and connects by ICE: any peer of GameNetworkingSockets
with the same signaling, or another one of these. Standard input, output, --echo, --count, --size,
--reliable, --stats and --json are those of «partyline gns connect», and of «listen» for a server.

  --role ROLE          client calls; server waits; symmetric: both sides call, and one connection stays
  --identity NAME      who we are: NAME or str:NAME (a lobby gives its own)
  --remote NAME        whom to call, or who alone may call (in a lobby: default the other member)
  --signaling URL      tcp://HOST:PORT: GNS's trivial signaling, as «partyline gns signaling» serves it
                       wss://HOST/?app=APP: a lobby of our server, whose code is told; &code=CODE joins it
  --stun HOST:PORT     asks there how we are seen from outside; may be repeated
  --turn HOST:PORT     a relay, also as turns:…, turn:…?transport=tcp, wss:…; may be repeated
  --turn-user NAME --turn-password TEXT
  --ice all|relay|host which addresses are used and told: relay tells nobody ours, host asks no server
  --host ADDRESS       uses this address of the machine alone; may be repeated
  --virtual-port N     of both sides, 0 to 65535 (default 0)
  --timeout-ms MS      until it must be connected (default 10000)
  --signaling-loss PERCENT, --signaling-dup PERCENT  of our signals are lost, or sent twice
  --profile test_p2p   plays GNS's own test program in that seat, against it or another of these:
                       --ticks N of 50 ms (default 40), --repeat N connections (default 1)
  --expect-failure     ends with 0 when there is no connection
  --trace DIR          writes ROLE.pcap for Wireshark, ROLE.txt with signals, checks and decrypted payloads,
                       ROLE.keys with the session secrets

Ends with 0 when all went well, 1 when not, 2 for a mistake in the command.`;
