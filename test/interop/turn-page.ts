/** What a page gives to ICE. */
export interface Ice {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
}

interface Outcome {
  readonly received: number;
  readonly types: readonly string[];
  readonly protocols: readonly string[];
}

/** Runs in a page: two connections that may use nothing but the relay, and 200 messages there and back. */
export async function talkThroughRelay({ urls, username, credential }: Ice): Promise<Outcome> {
  const config: RTCConfiguration = {
    iceTransportPolicy: 'relay',
    iceServers: [{ urls: [...urls], username, credential }],
  };
  const [a, b] = [new RTCPeerConnection(config), new RTCPeerConnection(config)];
  a.onicecandidate = ({ candidate }) => void (candidate && b.addIceCandidate(candidate));
  b.onicecandidate = ({ candidate }) => void (candidate && a.addIceCandidate(candidate));
  b.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => channel.send(data);
  };
  const channel = a.createDataChannel('through');
  const opened = new Promise((resolve) => {
    channel.onopen = resolve;
  });
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(a.localDescription as RTCSessionDescription); // just set
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription as RTCSessionDescription);
  await opened;
  let received = 0;
  const all = new Promise<void>((resolve) => {
    channel.onmessage = () => {
      received++;
      if (received === 200) resolve();
    };
  });
  for (let n = 0; n < 200; n++) channel.send(`message ${n} ${'x'.repeat(n * 5)}`);
  await all;
  const stats = [...(await a.getStats()).values()];
  const chosen = stats.find(
    (s) => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded',
  );
  const ends = stats.filter(
    (s) => s.id === chosen?.localCandidateId || s.id === chosen?.remoteCandidateId,
  );
  a.close();
  b.close();
  return {
    received,
    types: ends.map((s) => s.candidateType),
    protocols: ends.flatMap((s) => s.relayProtocol ?? []),
  };
}
