import * as harnessRuntime from "openclaw/plugin-sdk/agent-harness-runtime";
import * as diagnosticRuntime from "openclaw/plugin-sdk/diagnostic-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";
import { readConfig } from "./config.ts";
import { EVENTS, HOOKS } from "./map.ts";
import { activePlugin, claimPlugin, releasePlugin, sharedPlugin } from "./plugin.ts";

/** Registration with OpenClaw, and nothing else. */
export default definePluginEntry({
  id: "signalbox",
  name: "Signalbox",
  description: "Shows what every session, sub-agent and tool call costs, and routes model calls through Signalbox's scheduler",
  register(api) {
    // Other modes only ask what the plugin is.
    if (api.registrationMode !== "full" && api.registrationMode !== "discovery") return;
    // Imported as a namespace: a name that a later OpenClaw drops must not fail the import, which would fail the agent.
    const { onInternalDiagnosticEvent } = diagnosticRuntime;
    if (onInternalDiagnosticEvent === undefined) {
      api.logger?.warn?.("signalbox: this OpenClaw has no diagnostic events for plugins; nothing is recorded");
      return;
    }
    const config = readConfig(api.pluginConfig);
    const listen = () =>
      sharedPlugin(config, (id) => harnessRuntime.abortAgentHarnessRun?.(id) === true).listen(() =>
        onInternalDiagnosticEvent((event) => activePlugin()?.diagnostic(event), { include: EVENTS }),
      );
    listen();
    // Agent hooks fire on the discovery instance, gateway hooks on the full one: register on both, each call counts once.
    for (const name of HOOKS) api.on(name, (event, context) => activePlugin()?.hook(name, event, context));
    api.on("gateway_stop", () => activePlugin()?.drain());

    // On a reload the new instance may register before the old one stops, or start after it.
    const instance = {};
    api.registerService?.({
      id: "signalbox",
      start() {
        listen();
        claimPlugin(instance);
        activePlugin()?.follow();
      },
      stop: () => releasePlugin(instance),
    });
  },
});
