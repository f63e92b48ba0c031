/** Why the server closes a control socket; the reason text is for people. */
export const CLOSE = {
  done: 1000,
  shuttingDown: 1001,
  policy: 1008,
  sessionReplaced: 4001,
} as const;
