import { storableText } from "@signalbox/otel/conventions";
import { type Attributes, type AttributeValue, KeyValueList } from "../otlp/traces.ts";
import { truncatedText } from "../text.ts";
import { isSecretName, REDACTED, redact } from "./redact.ts";

export interface AttributeLimits {
  /** Attributes kept of one span, event or link. */
  count: number;
  /** Characters kept of one text value. */
  valueCharacters: number;
  /** Characters of JSON kept of one span's, event's or link's attributes. */
  totalCharacters: number;
}

const DROPPED = "signalbox.dropped_attributes";
/** What JSON must escape, and the surrogates that may be alone. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNSAFE = /["\\\u0000-\u001f\ud800-\udfff]/;

export function quote(text: string): string {
  return UNSAFE.test(text) ? JSON.stringify(storableText(text)) : `"${text}"`;
}

/**
 * Writes attributes as the JSON text of one object, within the limits, secrets taken out. What the limits drop is counted in
 * `signalbox.dropped_attributes`.
 */
export class AttributeWriter {
  readonly #limits: AttributeLimits;
  #text = "";
  /** Members that are ready, each behind a comma. */
  #ready = "";
  #count = 0;
  #dropped = 0;

  constructor(limits: AttributeLimits) {
    this.#limits = limits;
  }

  add(name: string, value: AttributeValue): void {
    if (this.#count >= this.#limits.count) {
      this.#dropped++;
      return;
    }
    const json = isSecretName(name) ? `"${REDACTED}"` : this.#value(value);
    if (this.#text.length + name.length + json.length > this.#limits.totalCharacters) {
      this.#dropped++;
      return;
    }
    this.#count++;
    this.#text += this.#text === "" ? `${quote(name)}:${json}` : `,${quote(name)}:${json}`;
  }

  addAll(attributes: Attributes): void {
    for (let index = 0; index < attributes.length; index += 2) {
      this.add(attributes[index] as string, attributes[index + 1] as AttributeValue);
    }
  }

  /** Adds a member whose JSON is ready, secrets taken out, outside the limits: it is ours. It stands behind the others. */
  addJson(name: string, json: string): void {
    this.#ready += `,"${name}":${json}`;
  }

  /** The object so far; the writer is then empty again. */
  take(): string {
    if (this.#dropped > 0) this.addJson(DROPPED, String(this.#dropped));
    const text = `{${this.#text === "" ? this.#ready.slice(1) : redact(this.#text) + this.#ready}}`;
    this.#text = "";
    this.#ready = "";
    this.#count = 0;
    this.#dropped = 0;
    return text;
  }

  #value(value: AttributeValue): string {
    if (typeof value === "string") return quote(truncatedText(value, this.#limits.valueCharacters));
    // JSON has no NaN and no infinity: they are written as OTLP/JSON writes them
    if (typeof value === "number") return Number.isFinite(value) ? String(value) : `"${value}"`;
    if (typeof value === "bigint") return String(value);
    if (value === null || typeof value === "boolean") return String(value);
    if (value instanceof Uint8Array) return `"${Buffer.from(value).toString("base64").slice(0, this.#limits.valueCharacters)}"`;
    if (value instanceof KeyValueList) return this.#object(value.entries);
    return `[${value.map((element) => this.#value(element)).join(",")}]`;
  }

  #object(entries: Attributes): string {
    const members: string[] = [];
    for (let index = 0; index < entries.length; index += 2) {
      const name = entries[index] as string;
      const value = entries[index + 1] as AttributeValue;
      members.push(`${quote(name)}:${isSecretName(name) ? `"${REDACTED}"` : this.#value(value)}`);
    }
    return `{${members.join(",")}}`;
  }
}
