/** May a stream begin to reach the client? It must have begun as a stream does, and where the route asks, have shown that it is no bad answer. */

import { createStreamListener, type Dialect, type StreamEvent } from "../dialects/translate/index.ts";
import { type BadAnswerKind, StreamJudge, wantsJson } from "./bad-answer.ts";
import type { Call } from "./call.ts";
import type { Outlet, Rejected } from "./outlet.ts";

export interface Hold {
  /** The engine's bytes, where nobody else reads them as events. */
  push(chunk: Buffer): void;
  see(event: StreamEvent): void;
  /** Hold on; may pass; or is a bad answer. */
  verdict(held: number): "hold" | "pass" | BadAnswerKind;
}

/** @returns undefined where nothing is judged */
export function openHold(call: Call, engine: Dialect): Hold | undefined {
  const { escalation } = call;
  if (!escalation) return undefined;
  const judge = new StreamJudge(escalation.on, wantsJson(call.chat));
  const listener = createStreamListener(engine);
  return {
    push(chunk) {
      if (judge.verdict) return;
      for (const event of listener.push(chunk)) judge.see(event);
    },
    see: (event) => judge.see(event),
    verdict(held) {
      if (judge.verdict) return judge.verdict;
      return held < escalation.holdBytes ? "hold" : "pass";
    },
  };
}

const DATA = Buffer.from("data:");

/** The first event of a chat completions stream: undefined while only comments came, else why it is none, or "ok". */
export function firstEvent(held: Buffer): { error: string; message: string } | "ok" | undefined {
  const at = held.indexOf(DATA);
  if (at < 0) return held.length > 0 && held[0] !== 0x3a && !/^(event|id|retry):/.test(held.toString("latin1", 0, 6)) ? GARBAGE : undefined;
  const end = held.indexOf(0x0a, at);
  const text = held.toString("utf8", at + DATA.length, end < 0 ? held.length : end).trim();
  if (text === "[DONE]") return "ok";
  try {
    const event = JSON.parse(text) as { error?: { message?: unknown; code?: unknown } | string; choices?: unknown } | null;
    if (typeof event !== "object" || event === null) return GARBAGE;
    if (!event.error || event.choices) return "ok";
    const { message, code } = typeof event.error === "string" ? { message: event.error, code: undefined } : event.error;
    return { error: typeof code === "string" && code ? code : "engine_error", message: String(message ?? "the engine failed") };
  } catch {
    return GARBAGE;
  }
}

const GARBAGE = { error: "bad_reply", message: "the engine's stream is no stream of completion chunks" };

/** @throws Rejected for a bad answer that a higher tier could better; lets go of all else that need not be held */
export function consider(call: Call, hold: Hold | undefined, out: Outlet, reject: (kind: BadAnswerKind) => Rejected, ended: boolean): void {
  if (out.open) return;
  const verdict = hold ? hold.verdict(out.size) : "pass";
  if (verdict === "hold" && !ended) return;
  if (verdict !== "hold" && verdict !== "pass" && call.mayEscalate?.()) throw reject(verdict);
  out.release();
}
