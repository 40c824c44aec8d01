/** What routing needs of an OpenAI Responses request, read from its bytes. */

import { badRequest } from "../http/errors.ts";
import { type ChatRequest, length, mostBlobTokens, parse, text, textOf } from "./chat-request.ts";
import { readFields } from "./request-fields.ts";

/** @throws HttpError 400 naming the field */
export function scanResponsesRequest(body: Buffer): ChatRequest {
  const { fields, model, stream, read, count } = readFields(body);
  const input = fields.get("input");
  const opener = input && body[input.start];
  if (opener !== undefined && opener !== 0x5b && opener !== 0x22) throw badRequest("input must be a string or an array", "input");
  return {
    dialect: "openai-responses",
    operation: "chat",
    body,
    model,
    stream,
    maxTokens: count("max_output_tokens"),
    choices: 1,
    promptBytes: length(input) + length(fields.get("instructions")) + length(fields.get("tools")),
    mostBlobTokens: mostBlobTokens(body, input, "input"),
    wantsUsage: true,
    promptCacheKey: text(read("prompt_cache_key")),
    user: text(read("user")) ?? text(read("safety_identifier")),
    fields,
  };
}

/** The text of the last user message of the input; parsed only when a rule asks for it. */
export function lastInputText({ body, fields }: Pick<ChatRequest, "body" | "fields">): string {
  const span = fields.get("input");
  const input = span ? parse(body, span, "input") : "";
  if (typeof input === "string") return input;
  return textOf((input as { role?: string; content?: unknown }[]).findLast((item) => item?.role === "user")?.content);
}
