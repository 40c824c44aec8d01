/**
 * `POST /hooks/claude-code`: answers Claude Code's HTTP hooks from memory. A stopped session is told to stop in the words of each
 * event; whatever else comes, or cannot be read, gets `{}`, which changes nothing: the gateway still refuses a stopped session's calls.
 */

import { CLAUDE_CODE_TOLD_TOOLS, RequestHeader } from "@signalbox/otel/conventions";
import type { Gatekeeper } from "../admission/keys.ts";
import { stopRefusal } from "../admission/refusals.ts";
import { scopedId } from "../admission/scoped-id.ts";
import type { Controls } from "../admission/stop/controls.ts";
import { scanObject } from "../dialects/json-scan.ts";
import { readBody } from "../http/body.ts";
import type { NodeHandler } from "../http/messages.ts";
import { sendJson } from "../http/send.ts";
import type { Log } from "../log.ts";
import { epochNow } from "../telemetry/record.ts";
import type { HookBody, HookFacts } from "./claude-code-facts.ts";

/** A tool's input and result are in it. */
const MAX_BODY_BYTES = 16 << 20;
/** These come when the session ends by itself: to be told to stop would only keep it. */
const ENDING = new Set(["Stop", "SubagentStop", "SessionEnd", "StopFailure"]);

/** Those that tell what spans do not; the others are not parsed whole. */
const TOLD = new Set(["InstructionsLoaded", "PostToolUse"]);
const TELLING = new Set(CLAUDE_CODE_TOLD_TOOLS);

export interface HookDependencies {
  gatekeeper: () => Gatekeeper;
  controls: Controls;
  facts: HookFacts;
  /** A session said that it ends. */
  onEnd: (session: string, project: string | undefined) => void;
  log: Log;
}

/** What a `PostToolUse` holds of one tool's result; beyond, nothing is told of it. */
const MAX_TOLD_BYTES = 1 << 20;

export function createClaudeCodeHook({ gatekeeper, controls, facts, onEnd, log }: HookDependencies): NodeHandler {
  return async (request, response) => {
    const principal = gatekeeper().admitModel(request.headers);
    const named = request.headers[RequestHeader.project];
    const project = principal.project ?? (typeof named === "string" ? named : undefined);
    let answer: object = {};
    try {
      const body = await readBody(request, MAX_BODY_BYTES);
      const { event, lineage, tool } = readHook(body);
      if (TOLD.has(event) && (event !== "PostToolUse" || TELLING.has(tool)) && body.length <= MAX_TOLD_BYTES)
        facts.note(event, JSON.parse(body.toString("utf8")) as HookBody, epochNow());
      const session = lineage.at(-1);
      if (event === "SessionEnd" && session !== undefined) onEnd(session, project);
      const stop = controls.stopOf(project === undefined ? lineage : [...lineage, ...lineage.map((id) => scopedId(project, id))]);
      if (stop) answer = stopAnswer(event, stopRefusal(stop).message);
    } catch (error) {
      log.warn("a hook of Claude Code could not be read: let through", { reason: (error as Error).message });
    }
    sendJson(response, 200, answer);
  };
}

/** What stops Claude Code 2.1 at each of its events (tried on the real one). */
export function stopAnswer(event: string, reason: string): object {
  if (ENDING.has(event)) return {};
  const stop = { continue: false, stopReason: reason };
  if (event !== "PreToolUse") return stop;
  // Without the denial the tool still runs once; without `continue: false` the model goes on.
  return { ...stop, hookSpecificOutput: { hookEventName: event, permissionDecision: "deny", permissionDecisionReason: reason } };
}

/** @throws JsonScanError, SyntaxError */
function readHook(body: Buffer): { event: string; lineage: string[]; tool: string } {
  const fields = scanObject(body);
  const read = (name: string): string | undefined => {
    const span = fields.get(name);
    const value: unknown = span && JSON.parse(body.toString("utf8", span.start, span.end));
    return typeof value === "string" ? value : undefined;
  };
  const lineage = [read("agent_id"), read("session_id")].filter((id) => id !== undefined);
  return { event: read("hook_event_name") ?? "", lineage, tool: read("tool_name") ?? "" };
}
