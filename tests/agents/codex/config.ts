import type { CaptureUrls } from "../capture/record-agent.ts";

/** What Codex's home holds for the recorder, and for the suite what a user might have. */

/** Sub-agents are on, and nothing goes to the vendor. */
const SETTINGS = `approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[agents]
max_depth = 3

[features]
multi_agent_v2 = true
plugins = false
remote_plugin = false
plugin_sharing = false
apps = false
`;

/** A user's own, with a comment and a provider of their own. */
export const userConfig = (providerUrl: string) => `# a user's own settings
model = "gpt-5-codex"
model_provider = "mine" # direct
${SETTINGS}
[model_providers.mine]
name = "mine"
base_url = "${providerUrl}/v1"
env_key = "MINE_KEY"
wire_api = "responses"
`;

/** Every hook event of Codex 0.169.0. */
const EVENTS = [
  "SessionStart",
  "SessionEnd",
  "UserPromptSubmit",
  "PreModelRequest",
  "PostModelRequest",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "PreCompact",
  "PostCompact",
  "SubagentStart",
  "SubagentStop",
  "Interrupt",
  "Stop",
];

/** Codex allows these no more than three seconds, and says so in every run where more is asked. */
const SHORT = new Set(["SessionEnd", "Interrupt"]);

/** hooks.json: `command <url>/command` for every event. */
export const hooksFile = (url: string, command: string): string =>
  JSON.stringify({
    hooks: Object.fromEntries(
      EVENTS.map((event) => [
        event,
        [{ hooks: [{ type: "command", command: `${command} ${url}/command`, timeout: SHORT.has(event) ? 3 : 10 }] }],
      ]),
    ),
  });

/** config.toml: a provider of our own, sub-agents, all three signals, nothing to the vendor. */
export function configFile(urls: CaptureUrls, protocol: "json" | "binary"): string {
  const exporter = (signal: string) => `{ otlp-http = { endpoint = "${urls.otlp}/v1/${signal}", protocol = "${protocol}" } }`;
  return `model = "gpt-5-codex"
model_provider = "scripted"
${SETTINGS}
[model_providers.scripted]
name = "scripted"
base_url = "${urls.provider}/v1"
env_key = "SCRIPTED_API_KEY"
wire_api = "responses"

[otel]
environment = "test"
log_user_prompt = true
exporter = ${exporter("logs")}
trace_exporter = ${exporter("traces")}
metrics_exporter = ${exporter("metrics")}
`;
}
