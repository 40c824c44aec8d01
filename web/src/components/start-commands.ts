/** What brings first rows: the demo, or an agent of one's own. */
export const START_COMMANDS = [
  "npx signalbox demo",
  "npx signalbox register openclaw",
  "npx signalbox register claude-code",
  "npx signalbox register codex",
] as const;
