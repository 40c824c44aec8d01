/** Which requests a reply may be kept for, and what makes two of them the same. */

import { createHash } from "node:crypto";
import type { RouteCacheConfig } from "../config/route-schema.ts";
import { type ChatRequest, parse, textOf } from "../dialects/chat-request.ts";
import { offersTools } from "../routing/request-facts.ts";

/** Whose replies: they are never given to another. */
export interface CacheScope {
  route: string;
  key: string | undefined;
  /** Whose own credentials at a vendor came along. */
  caller: string | undefined;
  project: string | undefined;
  /** The client's path and query. */
  url: string;
  /** `anthropic-beta` changes what a reply holds. */
  beta: string;
}

/** They say who asks, not what; or, like a request's id, they are new each time. */
const NOT_THE_QUESTION = new Set(["user", "metadata", "client_metadata", "prompt_cache_key", "safety_identifier"]);
/** What was said before lies with the provider, or the reply does. */
const STATEFUL = ["previous_response_id", "conversation", "background"];

/**
 * Never with tools: a reply that calls one has effects of its own, and what it was told may have changed. And, but where the
 * route says otherwise, only where the request asks for the same words each time: temperature 0, or a seed.
 */
export function isCacheable(chat: ChatRequest, { any_temperature }: RouteCacheConfig): boolean {
  const { fields, body, operation, choices } = chat;
  if (offersTools(chat) || choices > 1 || STATEFUL.some((name) => fields.has(name))) return false;
  if (operation === "embeddings" || any_temperature || fields.has("seed")) return true;
  const temperature = fields.get("temperature");
  return temperature !== undefined && parse(body, temperature, "temperature") === 0;
}

/** A digest of the whole question, in the client's own bytes. */
export function exactKey(chat: ChatRequest, scope: CacheScope): string {
  return digest(chat, scope, () => undefined);
}

export interface LastMessage {
  /** A digest of the question without it. */
  group: string;
  text: string;
}

/** Undefined where the last thing said is not a user's text. */
export function lastMessage(chat: ChatRequest, scope: CacheScope): LastMessage | undefined {
  const name = chat.operation === "embeddings" ? undefined : chat.dialect === "openai-responses" ? "input" : "messages";
  const span = name === undefined ? undefined : chat.fields.get(name);
  if (name === undefined || !span) return undefined;
  const said = parse(chat.body, span, name);
  const before = typeof said === "string" ? [] : (said as { role?: unknown; content?: unknown }[]).slice(0, -1);
  const last = typeof said === "string" ? { role: "user", content: said } : (said as { role?: unknown; content?: unknown }[]).at(-1);
  if (last?.role !== "user" || !isText(last.content)) return undefined;
  const group = digest(chat, scope, (field) => (field === name ? JSON.stringify(before) : undefined));
  return { group, text: textOf(last.content) };
}

const isText = (content: unknown) =>
  typeof content === "string" || (Array.isArray(content) && content.every((part) => typeof part?.text === "string"));

/** @param instead what stands for a field's own bytes */
function digest({ body, fields }: ChatRequest, scope: CacheScope, instead: (field: string) => string | undefined): string {
  const hash = createHash("sha256").update(JSON.stringify([scope.route, scope.key, scope.caller, scope.project, scope.url, scope.beta]));
  for (const name of [...fields.keys()].sort()) {
    const span = fields.get(name);
    if (!span || NOT_THE_QUESTION.has(name)) continue;
    hash.update(`\n${name}\n`).update(instead(name) ?? body.subarray(span.start, span.end));
  }
  return hash.digest("base64");
}
