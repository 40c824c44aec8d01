/** Is an answer one that a more capable model should have been asked for? Told from what it says, whatever its dialect. */

import type { ChatRequest } from "../dialects/chat-request.ts";
import type { Reply, StreamEvent } from "../dialects/translate/index.ts";

export const BAD_ANSWERS = ["empty", "refusal", "malformed_tool_call", "malformed_json", "length_without_answer"] as const;
export type BadAnswerKind = (typeof BAD_ANSWERS)[number];

/** What of an answer is judged. */
export interface Answered {
  text: string;
  refused: boolean;
  /** Arguments of its function calls. */
  toolArguments: readonly string[];
  /** Any tool call at all. */
  calls: boolean;
  stop: Reply["stop"];
}

/** The first kind that holds, of those that are asked about. */
export function badAnswer(answer: Answered, on: ReadonlySet<BadAnswerKind>, wantsJson: boolean): BadAnswerKind | undefined {
  const { text, refused, toolArguments, calls, stop } = answer;
  const nothing = text.trim() === "" && !calls && !refused;
  const cut = stop === "max_tokens" || stop === "context_window";
  if (on.has("refusal") && (refused || stop === "refusal" || stop === "content_filter")) return "refusal";
  if (on.has("length_without_answer") && nothing && cut) return "length_without_answer";
  if (on.has("empty") && nothing && !cut && stop !== "pause") return "empty";
  if (on.has("malformed_tool_call") && toolArguments.some((text) => text !== "" && !isObject(text))) return "malformed_tool_call";
  if (on.has("malformed_json") && wantsJson && !calls && !refused && !isJson(text)) return "malformed_json";
  return undefined;
}

export function answeredBy({ parts, stop }: Reply): Answered {
  const calls = parts.filter((part) => part.kind === "tool_call");
  return {
    text: parts.map((part) => (part.kind === "text" ? part.text : "")).join(""),
    refused: parts.some((part) => part.kind === "refusal"),
    toolArguments: calls.filter((call) => !call.custom).map((call) => call.arguments),
    calls: calls.length > 0,
    stop,
  };
}

/** The request asks for JSON, in the words of its dialect. */
export function wantsJson({ body, fields, dialect }: Pick<ChatRequest, "body" | "fields" | "dialect">): boolean {
  const name = { "openai-chat": "response_format", "openai-responses": "text", "anthropic-messages": "output_config" }[dialect];
  const span = fields.get(name);
  return span !== undefined && /"type"\s*:\s*"json_(object|schema)"/.test(body.toString("latin1", span.start, span.end));
}

/**
 * Judges a stream while it is held back. What the client may have at once ends the judging: a first word of text, where text is not
 * itself the question; a tool call that is whole. Thinking and calls that are not whole are held, up to the bound.
 */
export class StreamJudge {
  /** Undefined while it must be held; else whether it may pass, or why it is bad. */
  verdict: "pass" | BadAnswerKind | undefined;
  readonly #on: ReadonlySet<BadAnswerKind>;
  readonly #wantsJson: boolean;
  readonly #kinds = new Map<number, "text" | "tool" | "other">();
  readonly #arguments = new Map<number, string>();
  #text = "";
  #refused = false;
  #calls = false;

  constructor(on: ReadonlySet<BadAnswerKind>, wantsJson: boolean) {
    this.#on = on;
    this.#wantsJson = wantsJson && on.has("malformed_json");
  }

  see(event: StreamEvent): void {
    if (this.verdict) return;
    if (event.type === "part_start") this.#start(event.index, event.part);
    else if (event.type === "part_delta") this.#delta(event.index, event.text);
    else if (event.type === "stop") {
      const answer = {
        text: this.#text,
        refused: this.#refused,
        toolArguments: [...this.#arguments.values()],
        calls: this.#calls,
        stop: event.reason,
      };
      this.verdict = badAnswer(answer, this.#on, this.#wantsJson) ?? "pass";
    }
  }

  #start(index: number, part: Extract<StreamEvent, { type: "part_start" }>["part"]): void {
    const kind = part.kind === "tool_call" ? (part.custom ? "other" : "tool") : part.kind === "text" ? "text" : "other";
    this.#kinds.set(index, kind);
    if (kind === "tool") this.#arguments.set(index, "");
    this.#calls ||= part.kind === "tool_call";
    this.#refused ||= part.kind === "refusal";
    // Nothing that is asked about can come of it any more.
    if (part.kind === "tool_call" && !this.#on.has("malformed_tool_call")) this.verdict = "pass";
    if (part.kind === "refusal" && !this.#on.has("refusal")) this.verdict = "pass";
  }

  #delta(index: number, text: string): void {
    const kind = this.#kinds.get(index);
    if (kind === "tool") this.#arguments.set(index, (this.#arguments.get(index) ?? "") + text);
    if (kind !== "text") return;
    this.#text += text;
    if (!this.#wantsJson && this.#text.trim() !== "") this.verdict = "pass";
  }
}

const isJson = (text: string): boolean => parsed(text) !== undefined;
function isObject(text: string): boolean {
  const value = parsed(text);
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
