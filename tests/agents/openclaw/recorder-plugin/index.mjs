// Runs inside OpenClaw. Appends, as one JSON line each and in order, what a plugin can see: diagnostic events, hooks, and
// requests as they are made. The file is $SIGNALBOX_RECORD.
import diagnosticsChannel from "node:diagnostics_channel";
import fs from "node:fs";
import { onInternalDiagnosticEvent } from "openclaw/plugin-sdk/diagnostic-runtime";
import { definePluginEntry } from "openclaw/plugin-sdk/plugin-entry";

const HOOKS = [
  "session_start",
  "session_end",
  "before_agent_run",
  "agent_end",
  "model_call_started",
  "model_call_ended",
  "before_tool_call",
  "after_tool_call",
  "subagent_spawned",
  "subagent_ended",
  "before_message_write",
  "message_received",
  "gateway_start",
  "gateway_stop",
];
const NOISE = new Set([
  "log.record",
  "diagnostic.memory.sample",
  "gateway.event_loop.sample",
  "diagnostic.gc",
  "diagnostic.heartbeat",
  "diagnostic.phase.completed",
  "diagnostic.child_process.spawn",
  "diagnostic.liveness.warning",
  "queue.lane.enqueue",
  "queue.lane.dequeue",
  "run.progress",
]);
// The whole conversation and the prompt, again and again: no test reads them, and they are most of the bytes.
const LEFT_OUT = new Set(["messages", "systemPrompt", "activeProjectKeys", "workspaceDir"]);

const plain = (value, depth = 0) => {
  if (typeof value === "string") return value.length > 300 ? `${value.slice(0, 300)}…` : value;
  if (value === null || typeof value !== "object") return typeof value === "function" ? undefined : value;
  if (depth > 8) return "…";
  if (Array.isArray(value)) return value.slice(0, 20).map((item) => plain(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, LEFT_OUT.has(key) ? "…" : plain(item, depth + 1)]));
};
const write = (line) => {
  try {
    fs.appendFileSync(process.env.SIGNALBOX_RECORD, `${JSON.stringify({ at: Date.now(), ...line })}\n`);
  } catch {}
};

// OpenClaw evaluates this module several times.
const STATE = Symbol.for("signalbox-recorder");
globalThis[STATE] ??= { registrations: 0 };
const state = globalThis[STATE];

export default definePluginEntry({
  id: "signalbox-recorder",
  name: "Signalbox recorder",
  description: "Writes what OpenClaw tells plugins to a file",
  register(api) {
    const registration = ++state.registrations;
    write({ source: "register", mode: api.registrationMode, registration });
    for (const name of HOOKS)
      api.on(name, (event, context) =>
        write({ source: "hook", mode: api.registrationMode, registration, name, event: plain(event), context: plain(context) }),
      );
    state.stop?.();
    const stopEvents = onInternalDiagnosticEvent((event, metadata) => {
      if (!NOISE.has(event.type)) write({ source: "diagnostic", event: plain(event), trusted: metadata.trusted });
    });
    const onRequest = ({ request }) => {
      const scope = globalThis[Symbol.for("openclaw.diagnosticTraceScope.state.v1")]?.storage.getStore();
      write({
        source: "request",
        origin: String(request.origin),
        method: request.method,
        path: request.path,
        headers: plain(request.headers),
        scope: plain(scope),
      });
    };
    diagnosticsChannel.subscribe("undici:request:create", onRequest);
    state.stop = () => {
      stopEvents();
      diagnosticsChannel.unsubscribe("undici:request:create", onRequest);
    };
  },
});
