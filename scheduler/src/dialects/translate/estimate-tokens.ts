/**
 * An estimate of a request's input tokens, for `count_tokens` where the engine has no counter of its own. It is not exact: 4 bytes of text
 * a token is right within about a third for English prose and code with the tokenizers in use, and low for scripts with long bytes.
 */

import { BASE64_CHARS_PER_PAGE, TOKENS_PER_IMAGE, TOKENS_PER_PAGE } from "../blobs.ts";
import type { Request, ToolCallPart, ToolResultContent } from "./types.ts";

const BYTES_PER_TOKEN = 4;
/** Role and separators. */
const TOKENS_PER_MESSAGE = 4;

type Part = Request["messages"][number]["parts"][number];

/** Tokens; at least 1. */
export function estimateTokens(request: Pick<Request, "system" | "messages" | "tools">): number {
  const { system, messages, tools } = request;
  const parts: Part[] = [...system, ...messages.flatMap((message): Part[] => message.parts)];
  const counted = parts.reduce((sum, part) => sum + partTokens(part), 0);
  return Math.max(1, counted + messages.length * TOKENS_PER_MESSAGE + (tools.length > 0 ? textTokens(JSON.stringify(tools)) : 0));
}

function partTokens(part: Part): number {
  switch (part.kind) {
    case "text":
    case "thinking":
    case "refusal":
      return textTokens(part.text);
    case "image":
    case "document":
      return blobTokens(part);
    case "tool_call":
      return callTokens(part);
    case "tool_result":
      return part.content.reduce((sum, inner) => sum + partTokens(inner), TOKENS_PER_MESSAGE);
  }
}

const textTokens = (text: string) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
const callTokens = (call: ToolCallPart) => textTokens(call.name) + textTokens(call.arguments) + TOKENS_PER_MESSAGE;

function blobTokens(part: Exclude<ToolResultContent, { kind: "text" }>): number {
  if (part.kind === "image") return TOKENS_PER_IMAGE;
  const pages = part.source.kind === "base64" ? Math.ceil(part.source.data.length / BASE64_CHARS_PER_PAGE) : 1;
  return pages * TOKENS_PER_PAGE;
}
