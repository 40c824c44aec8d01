/** What a command's exit code means. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  /** `status`: nothing runs on this state folder */
  notRunning: 3,
  /** Ctrl-C before the start was complete */
  interrupted: 130,
} as const;
