/**
 * What each dialect can carry of a request: the claim, as data. Serialisers drop and refuse by it, the property tests check it, and the
 * table in README.md is printed from it.
 *
 * - kept: it is there after a translation to this dialect and back
 * - changed: its meaning reaches the model in another form, and cannot be read back
 * - dropped: left out, and listed as dropped; the answer is still a right answer to the request
 * - refused: without it the answer would be wrong: the client gets a 400 that names the field
 */

import type { Dropped } from "./dropped.ts";
import { FieldError } from "./field.ts";
import type { Dialect, Request } from "./types.ts";

export type Carriage = "kept" | "changed" | "dropped" | "refused";
type Row = Record<Dialect, Carriage>;

const row = (chat: Carriage, responses: Carriage, messages: Carriage): Row => ({
  "openai-chat": chat,
  "openai-responses": responses,
  "anthropic-messages": messages,
});

/** Members of `Request` that are there or not. */
export const FIELDS = {
  toolChoice: row("kept", "kept", "kept"),
  parallelToolCalls: row("kept", "kept", "kept"),
  maxOutputTokens: row("kept", "kept", "kept"),
  temperature: row("kept", "kept", "kept"),
  topP: row("kept", "kept", "kept"),
  topK: row("dropped", "dropped", "kept"),
  seed: row("kept", "dropped", "dropped"),
  frequencyPenalty: row("kept", "dropped", "dropped"),
  presencePenalty: row("kept", "dropped", "dropped"),
  stop: row("kept", "refused", "kept"),
  responseFormat: row("kept", "kept", "changed"),
  reasoning: row("changed", "changed", "changed"),
  verbosity: row("kept", "kept", "dropped"),
  metadata: row("kept", "kept", "dropped"),
  user: row("kept", "kept", "kept"),
  promptCacheKey: row("kept", "kept", "dropped"),
  cache: row("dropped", "dropped", "kept"),
} as const satisfies Partial<Record<keyof Request, Row>>;

/** What messages and tools are made of. */
export const CONTENT = {
  "text, images, tool calls, tool results": row("kept", "kept", "kept"),
  "PDF documents as bytes": row("kept", "kept", "kept"),
  "PDF documents by URL": row("refused", "kept", "kept"),
  "thinking text": row("changed", "dropped", "dropped"),
  "thinking sealed by the engine's own provider": row("kept", "kept", "kept"),
  "image detail": row("kept", "kept", "dropped"),
  "images and documents in tool results": row("changed", "kept", "kept"),
  "error flag of tool results": row("changed", "changed", "kept"),
  "refusals of earlier turns": row("kept", "kept", "changed"),
  "system messages after the first turn": row("kept", "kept", "changed"),
  "cache hints on parts and tools": row("dropped", "dropped", "kept"),
  "strict tools": row("kept", "kept", "kept"),
  "custom (free text) tools": row("changed", "kept", "changed"),
  "tool namespaces": row("changed", "kept", "changed"),
  "order of an assistant's text, thinking and tool calls": row("changed", "kept", "kept"),
} as const satisfies Record<string, Row>;

/** The request without the fields that the dialect does not carry. @throws FieldError for one that it must not lose */
export function carry(request: Request, dialect: Dialect, dropped: Dropped): Request {
  const carried = { ...request };
  for (const name of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
    const carriage: Carriage = FIELDS[name][dialect];
    if (isAbsent(request[name]) || carriage === "kept" || carriage === "changed") continue;
    if (carriage === "refused") throw new FieldError(wireName(name), `has no counterpart in ${dialect}`);
    delete carried[name as OptionalField];
    dropped.add(wireName(name));
  }
  return carried;
}

type OptionalField = { [K in keyof Request]-?: undefined extends Request[K] ? K : never }[keyof Request];

const isAbsent = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0);

/** `topK` → `top_k`. */
const wireName = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
