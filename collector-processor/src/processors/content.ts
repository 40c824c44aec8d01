import { hash } from "node:crypto";
import { Attribute } from "@signalbox/otel/conventions";
import { type Attributes, type AttributeValue, KeyValueList } from "../otlp/traces.ts";
import type { MessageDirection } from "../rows.ts";
import type { Message } from "../span-batch.ts";
import { truncatedText } from "../text.ts";
import { quote } from "./attribute-json.ts";
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
  return hashedAll(list, role, limits);
}

/** The messages of `gen_ai.input.messages` where it is the JSON text of an array; null where it is anything else. */
export function arrayOfMessages(text: string, limits: ContentLimits): Message[] | null {
  const content = parsed(text);
  return Array.isArray(content) ? hashedAll(content, DEFAULT_ROLE.input, limits) : null;
}

function hashedAll(list: unknown[], role: string, limits: ContentLimits): Message[] {
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

/** As JSON has it. */
export function plain(value: AttributeValue): unknown {
  if (value instanceof KeyValueList) return plainObject(value.entries);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "bigint" ? String(value) : value;
}

/** As JSON.parse makes objects: a member of any name is its own, __proto__ too. */
function plainObject(entries: Attributes): Members {
  const members: [string, unknown][] = [];
  for (let index = 0; index < entries.length; index += 2)
    members.push([entries[index] as string, plain(entries[index + 1] as AttributeValue)]);
  return Object.fromEntries(members);
}

/** Whatever it was, as {role, parts}. */
function asMessage(message: unknown, role: string): Members {
  if (!isObject(message)) return { role, parts: parts(message) };
  if (Object.hasOwn(message, "parts")) return { role, ...message, parts: parts(message.parts) };
  const { content, ...rest } = message;
  return { role, ...rest, parts: parts(content) };
}

function parts(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map(part) : [part(value)];
}

/** A part has a type: an object without one is what an emitter's own function took or gave, and is shown as it is. */
function part(value: unknown): unknown {
  if (typeof value === "string") return { type: "text", content: value };
  if (!isObject(value)) return value;
  if (!Object.hasOwn(value, "type")) return { type: "text", content: canonicalJson(value) };
  // as providers' APIs name it
  if (value.type === "text" && !Object.hasOwn(value, "content") && Object.hasOwn(value, "text")) {
    const { text, ...rest } = value;
    return { ...rest, content: text };
  }
  return value;
}

export type Members = Record<string, unknown>;
const isObject = (value: unknown): value is Members => typeof value === "object" && value !== null && !Array.isArray(value);
const isMessage = (value: unknown): boolean => isObject(value) && typeof value.role === "string";

/** `message` is {role, parts} of the GenAI message schema, whatever else it has. */
export function hashed(message: Members, limits: ContentLimits): Message {
  let body = redact(canonicalJson(message));
  if (body.length > limits.messageCharacters) {
    const { role } = message;
    const text = { type: "text", content: truncatedText(body, limits.messageCharacters) };
    body = canonicalJson({ role: typeof role === "string" ? role : "unknown", parts: [text], truncated: true });
  }
  return { hash: hash("sha256", body, "binary"), body };
}

/** JSON with members sorted by name, and only what Postgres can store. */
function canonicalJson(value: unknown): string {
  if (typeof value === "string") return quote(value);
  let json = "";
  if (Array.isArray(value)) {
    for (const element of value) json += json === "" ? canonicalJson(element) : `,${canonicalJson(element)}`;
    return `[${json}]`;
  }
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  for (const name of Object.keys(value).sort()) {
    const member = `${quote(name)}:${canonicalJson(value[name])}`;
    json += json === "" ? member : `,${member}`;
  }
  return `{${json}}`;
}
