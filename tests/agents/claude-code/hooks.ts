/** Every hook event of Claude Code 2.1.329. */
const EVENTS = [
  "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch", "Notification", "UserPromptSubmit", "UserPromptExpansion",
  "SessionStart", "SessionEnd", "Stop", "StopFailure", "SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "PreModelSwitch",
  "PostModelSwitch", "PermissionRequest", "PermissionDenied", "Setup", "TeammateIdle", "TaskCreated", "TaskCompleted", "Elicitation",
  "ElicitationResult", "ConfigChange", "WorktreeCreate", "WorktreeRemove", "InstructionsLoaded", "CwdChanged", "FileChanged",
  "DirectoryAdded", "MessageDisplay",
] as const; // biome-ignore format: a list of names

/** Events that never reach an http hook. */
const COMMAND_ONLY = new Set<string>(["SessionStart", "Setup"]);

/**
 * The `hooks` of settings.json: http to `<url>/http`, or `command <url>/command` where http does not fire.
 * WorktreeCreate is left out: its hook has to make the worktree.
 */
export function hookSettings(url: string, command: string): Record<string, unknown> {
  return Object.fromEntries(
    EVENTS.filter((event) => event !== "WorktreeCreate").map((event) => {
      const hook = COMMAND_ONLY.has(event)
        ? { type: "command", command: `${command} ${url}/command` }
        : { type: "http", url: `${url}/http`, timeout: 10 };
      return [event, [{ hooks: [hook] }]];
    }),
  );
}
