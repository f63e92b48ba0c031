/** What the other side can make an agent hold. Over a limit, a candidate is refused and counted. */
export const iceLimits = {
  /** Remote candidates of one agent, peer-reflexive ones included. */
  remoteCandidates: 64,
  /** Local candidates of one agent. */
  localCandidates: 64,
  /** Pairs of one agent (RFC 8445 §6.1.2.5 suggests 100). */
  pairs: 200,
  /** Checks kept that came before the credentials they were made with; older ones are forgotten. */
  earlyChecks: 32,
  /** Characters of a candidate's text. */
  candidateChars: 512,
  /** Characters of a ufrag or password (RFC 8839 §5.4). */
  credentialChars: 256,
  /** Application datagrams waiting to be taken by `pollEvent`; further ones are dropped. */
  waitingDatagrams: 1024,
  /** Agents of one pool. */
  agents: 4096,
  /** STUN servers of one pool. */
  stunServers: 8,
  /** Resource records looked at in one answer of mDNS. */
  mdnsRecords: 64,
  /** Names of one host that are being resolved. */
  mdnsNames: 64,
} as const;
