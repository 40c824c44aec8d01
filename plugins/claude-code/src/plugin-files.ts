/** The plugin that Claude Code loads: a folder that is its own marketplace, made of three JSON files. */

import { CLAUDE_CODE_TOLD_TOOLS } from "@signalbox/otel/conventions";

export const PLUGIN_NAME = "signalbox";

/** By path inside the folder. Claude Code reads a marketplace of kind `directory` in place: it must stay where it is. */
export function pluginFiles(schedulerUrl: string, version: string): Record<string, string> {
  const description = "Shows what every session, sub-agent and tool call costs, and stops a session with all its sub-agents.";
  const plugin = { name: PLUGIN_NAME, version, description };
  return {
    ".claude-plugin/plugin.json": json(plugin),
    ".claude-plugin/marketplace.json": json({
      name: PLUGIN_NAME,
      owner: { name: "Signalbox" },
      plugins: [{ ...plugin, source: "./" }],
    }),
    "hooks/hooks.json": json({ description, hooks: hooks(hookUrl(schedulerUrl)) }),
  };
}

/** Where a stop can take hold. Claude Code waits for each: none that another stands for. */
const EVENTS = ["UserPromptSubmit", "PreToolUse", "PostToolBatch", "SubagentStart", "SessionEnd"];
/** Answered from memory in milliseconds; an agent must not wait for a scheduler that is away. It fails open. */
export const HOOK_TIMEOUT_SECONDS = 2;

const hooks = (url: string) => ({
  ...Object.fromEntries(EVENTS.map((event) => [event, [matcher(url)]])),
  // a stop is told at the batch's end; this says, as no span does, which tool call spawned which sub-agent, and what was done to memory files
  PostToolUse: [{ matcher: CLAUDE_CODE_TOLD_TOOLS.join("|"), ...matcher(url) }],
});

/**
 * The hook that is told of memory files as they are loaded. It must stand in the settings themselves: Claude Code 2.1.329 loads the
 * first of them before it has loaded its plugins.
 */
export const instructionsHook = (schedulerUrl: string) => matcher(hookUrl(schedulerUrl));

const hookUrl = (schedulerUrl: string) => `${new URL(schedulerUrl).origin}/hooks/claude-code`;

/** The key stays in settings.json, for the plugin's folder can be read by others. */
function matcher(url: string) {
  const headers = { "x-signalbox-key": "$SIGNALBOX_KEY" };
  return { hooks: [{ type: "http", url, timeout: HOOK_TIMEOUT_SECONDS, headers, allowedEnvVars: ["SIGNALBOX_KEY"] }] };
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
