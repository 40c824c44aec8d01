import { hash } from "node:crypto";
import { Attribute } from "@signalbox/otel/conventions";
import { type Attributes, type AttributeValue, KeyValueList } from "../otlp/traces.ts";
import type { MessageDirection } from "../rows.ts";
import type { Message } from "../span-batch.ts";
import { storableText, truncatedText } from "../text.ts";
import { redact } from "./redact.ts";

export interface ContentLimits {
  /** Messages kept of one span and direction; of more, the last ones. */
  messages: number;
  /** Characters of one message's JSON; a longer one is kept as text that is cut. */
  messageCharacters: number;
}

const DIRECTIONS = new Map<string, MessageDirection>([
  [Attribute.systemInstructions, "system"],
  [Attribute.inputMessages, "input"],
  [Attribute.outputMessages, "output"],
]);
const DEFAULT_ROLE: Record<MessageDirection, string> = { system: "system", input: "user", output: "assistant" };

/** Which content an attribute holds, if any. */
export const contentDirection = (name: string): MessageDirection | undefined => DIRECTIONS.get(name);

/**
 * The messages of a content attribute, in order: JSON text of the GenAI message schema, or the same as structured value, or any
 * other text, which is then one message. Each is canonical JSON (members sorted), so that equal messages have equal hashes.
 */
export function messagesOf(value: AttributeValue, direction: MessageDirection, limits: ContentLimits): Message[] {
  const content = typeof value === "string" ? parsed(value) : plain(value);
  const role = DEFAULT_ROLE[direction];
  // system instructions are the parts of one message
  const list = direction !== "system" && (Array.isArray(content) || isMessage(content)) ? [content].flat() : [{ role, parts: content }];
  return list.slice(-limits.messages).map((message) => hashed(asMessage(message, role), limits));
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // not JSON: the text itself is the content
  }
  return text;
}

function plain(value: AttributeValue): unknown {
  if (value instanceof KeyValueList) return plainObject(value.entries);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "bigint" ? String(value) : value;
}

function plainObject(entries: Attributes): Map<string, unknown> {
  const members = new Map<string, unknown>();
  for (let index = 0; index < entries.length; index += 2)
    members.set(entries[index] as string, plain(entries[index + 1] as AttributeValue));
  return members;
}

/** Whatever it was, as {role, parts}. */
function asMessage(message: unknown, role: string): unknown {
  const members = asMap(message);
  if (members === undefined) return { role, parts: parts(message) };
  if (!members.has("role")) members.set("role", role);
  if (!members.has("parts")) {
    members.set("parts", parts(members.get("content")));
    members.delete("content");
  } else members.set("parts", parts(members.get("parts")));
  return members;
}

function parts(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return [value].flat().map(part);
}

/** A part has a type: an object without one is what an emitter's own function took or gave, and is shown as it is. */
function part(value: unknown): unknown {
  if (typeof value === "string") return { type: "text", content: value };
  const members = asMap(value);
  if (members === undefined) return value;
  if (!members.has("type")) return { type: "text", content: canonicalJson(members) };
  // as providers' APIs name it
  if (members.get("type") === "text" && !members.has("content") && members.has("text")) {
    members.set("content", members.get("text"));
    members.delete("text");
  }
  return members;
}

const isMessage = (value: unknown): boolean => typeof asMap(value)?.get("role") === "string";

function asMap(value: unknown): Map<string, unknown> | undefined {
  if (value instanceof Map) return value;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return new Map(Object.entries(value));
  return undefined;
}

function hashed(message: unknown, limits: ContentLimits): Message {
  let body = redact(canonicalJson(message));
  if (body.length > limits.messageCharacters) {
    const role = asMap(message)?.get("role");
    const text = { type: "text", content: truncatedText(body, limits.messageCharacters) };
    body = canonicalJson({ role: typeof role === "string" ? role : "unknown", parts: [text], truncated: true });
  }
  return { hash: hash("sha256", body, "buffer"), body };
}

/** JSON with members sorted by name, and only what Postgres can store. */
function canonicalJson(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(storableText(value));
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = asMap(value);
  if (members === undefined) return JSON.stringify(value) ?? "null";
  const names = [...members.keys()].sort();
  return `{${names.map((name) => `${JSON.stringify(storableText(name))}:${canonicalJson(members.get(name))}`).join(",")}}`;
}
