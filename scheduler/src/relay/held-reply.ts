/** A reply of one body: held until it is whole, so that its cost stands in a header before it. */

import { ResponseHeader } from "@signalbox/otel/conventions";
import { type ReplyFacts, readReply } from "../dialects/chat-usage.ts";
import { readEmbeddings } from "../dialects/embeddings.ts";
import { scanReply } from "../dialects/reply-scan.ts";
import { type Dialect, parseResponse } from "../dialects/translate/index.ts";
import { errorBody } from "../http/errors.ts";
import { Pieces } from "../http/pieces.ts";
import { answeredBy, type BadAnswerKind, badAnswer, wantsJson } from "./bad-answer.ts";
import type { Call } from "./call.ts";
import { replyHeaders } from "./headers.ts";
import { type EngineHeaders, Rejected } from "./outlet.ts";
import { type Reply, ReplyTooLarge } from "./reply.ts";
import { BAD_ANSWER, type OpenAttempt } from "./settle.ts";

/** Beyond this an engine's JSON is not a completion. */
const MAX_HELD_BYTES = 64 << 20;

/** What the client gets of an engine's whole answer, and what is recorded of it. */
export interface Answer {
  status: number;
  body: Buffer;
  facts: ReplyFacts | undefined;
  /** Of its own, over the engine's. */
  headers?: Record<string, string>;
  /** The engine said that all is well, and it is not. */
  error?: string;
}

export type Conclude = (status: number, body: Buffer) => Answer;

/** Chat completions: the bytes as they came, where they are a completion. */
export const concludeChat: Conclude = (status, body) => {
  if (status >= 400) return { status, body, facts: undefined };
  const facts = scanReply(body) ?? readReply(body.toString());
  if (facts.usage || facts.finishReason) return { status, body, facts };
  const parsed = parseObject(body);
  if (parsed?.choices) return { status, body, facts };
  if (parsed?.error) return { status, body, facts, error: "engine_error" };
  return badReply(`the engine's reply is not a completion: ${parsed ? "it has no choices" : "it is not JSON"}`);
};

/** Embeddings: the bytes as they came, where there are vectors in them. */
export const concludeEmbeddings: Conclude = (status, body) => {
  if (status >= 400) return { status, body, facts: undefined };
  const reply = readEmbeddings(body);
  return reply.hasVectors ? { status, body, facts: reply.facts } : badReply("the engine's reply holds no embeddings");
};

const BAD_REPLY = "bad_reply";

function badReply(message: string): Answer {
  const body = Buffer.from(errorBody({ status: 502, code: BAD_REPLY, message, param: null }));
  return { status: 502, body, facts: undefined, headers: { "content-type": "application/json" }, error: BAD_REPLY };
}

function parseObject(body: Buffer): { choices?: unknown; error?: unknown } | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString());
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

export const createHeldReply = (
  call: Call,
  attempt: OpenAttempt,
  status: number,
  headers: EngineHeaders,
  conclude: Conclude = concludeChat,
  engine: Dialect = "openai-chat",
): Reply => new HeldReply(call, attempt, status, headers, conclude, engine);

class HeldReply implements Reply {
  readonly #call: Call;
  readonly #attempt: OpenAttempt;
  readonly #status: number;
  readonly #headers: EngineHeaders;
  readonly #conclude: Conclude;
  readonly #engine: Dialect;
  readonly #pieces = new Pieces();
  #length = 0;

  constructor(call: Call, attempt: OpenAttempt, status: number, headers: EngineHeaders, conclude: Conclude, engine: Dialect) {
    this.#call = call;
    this.#attempt = attempt;
    this.#status = status;
    this.#headers = headers;
    this.#conclude = conclude;
    this.#engine = engine;
  }

  data(chunk: Buffer): boolean {
    this.#length += chunk.length;
    if (this.#length > MAX_HELD_BYTES) throw new ReplyTooLarge(MAX_HELD_BYTES);
    this.#pieces.push(chunk);
    return true;
  }

  end(): void {
    const whole = this.#pieces.take();
    const status = this.#status;
    const answer = this.#conclude(status, whole);
    const { facts, error = status < 400 ? undefined : String(status) } = answer;
    // A refused request took no tokens.
    const estimate = status < 400 ? undefined : { input: 0, output: 0, cacheRead: 0, reasoning: 0 };
    const bad = error === undefined ? judged(this.#call, this.#engine, whole) : undefined;
    this.#attempt.settle({ status, error: bad ? BAD_ANSWER + bad : error, facts, estimate });
    if (bad) throw new Rejected(BAD_ANSWER + bad, `the answer is bad: ${bad}`, { escalate: true, deliver: () => this.#send(answer) });
    if (error !== undefined && status < 400)
      throw new Rejected(error, "the engine answered 200 with what is no reply", { deliver: () => this.#send(answer) });
    this.#send(answer);
  }

  fail(error: string): boolean {
    this.#attempt.settle({ status: this.#status, error, facts: undefined, estimate: undefined });
    return false;
  }

  #send({ status, body, headers }: Answer): void {
    const { response, record } = this.#call;
    const attempt = this.#attempt;
    attempt.answers();
    const reply = replyHeaders(this.#headers, record, attempt.record);
    if (headers) Object.assign(reply, headers);
    reply["content-length"] = String(body.length);
    reply[ResponseHeader.slaMet] = String(record.slaMet ?? "unknown");
    if (attempt.record.costNanousd !== undefined) reply[ResponseHeader.costNanousd] = String(attempt.record.costNanousd);
    response.writeHead(status, reply);
    response.end(body);
  }
}

/** Why a whole reply is a bad answer that a higher tier could better. */
function judged({ escalation, mayEscalate, chat }: Call, engine: Dialect, body: Buffer): BadAnswerKind | undefined {
  if (!escalation || chat.operation !== "chat") return undefined;
  const kind = badAnswer(answeredBy(parseResponse(engine, JSON.parse(body.toString()))), escalation.on, wantsJson(chat));
  return kind && mayEscalate?.() ? kind : undefined;
}
