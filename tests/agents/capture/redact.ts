/**
 * Makes a captured record fit for a public repository: vendor prompts and schemas shortened, keys and personal ids replaced by
 * stable placeholders, this machine's paths by made-up ones.
 */
import { isSecretName, REDACTED, redactText } from "@signalbox/otel/redact";

export interface RedactOptions {
  /** Replaced everywhere, in this order. */
  texts: [string, string][];
  /** Words (host, user) replaced where they stand alone as a value. */
  words: string[];
}

/** Longer texts are shortened to their first `HEAD` characters. */
const MAX_TEXT = 200;
const HEAD = 100;
/** Texts that are JSON keep their shape up to here. */
const MAX_JSON_TEXT = 8_000;

/** Fields that hold the vendor's words: nothing of a long one is kept. */
const VENDOR_FIELDS = new Set([
  "description",
  "instructions",
  "system",
  "developer_instructions",
  "base_instructions",
  "user_instructions",
]);
/** Fields that hold a JSON schema or grammar. */
const SCHEMA_FIELDS = new Set(["input_schema", "parameters", "output_schema", "definition", "schema"]);
/** Fields (and OTLP attributes, and headers) that name a person, an account or a device. */
const PERSONAL_FIELDS = new Set([
  "user.id",
  "user.email",
  "user.account_uuid",
  "user.account_id",
  "organization.id",
  "device_id",
  "account_uuid",
  "account_id",
  "userID",
  "installation_id",
  "x-codex-installation-id",
  "host.name",
  "host.id",
  "machine_id",
  "anonymous_id",
]);

/** One per scenario: a value gets the same placeholder wherever it stands. */
export function createRedactor(options: RedactOptions): { learn(value: unknown): void; redact(value: unknown): unknown } {
  const placeholders = new Map<string, string>();

  const learnValue = (name: string, value: unknown) => {
    if (!PERSONAL_FIELDS.has(name) || typeof value !== "string" || value.length < 3 || placeholders.has(value)) return;
    const label = name.replace(/^x-codex-/, "").replace(/[^A-Za-z]+/g, "-");
    placeholders.set(value, `<${label}-${[...placeholders.values()].filter((text) => text.startsWith(`<${label}-`)).length + 1}>`);
  };

  /** Collects personal values before any record is written: they may stand in a record before the one that names them. */
  const learn = (value: unknown): void => {
    if (typeof value === "string") {
      const parsed = asJson(value);
      if (parsed !== undefined) learn(parsed);
      return;
    }
    if (value === null || typeof value !== "object") return;
    const attribute = value as { key?: unknown; value?: { stringValue?: unknown } };
    if (typeof attribute.key === "string") learnValue(attribute.key, attribute.value?.stringValue);
    for (const [key, field] of Object.entries(value)) {
      learnValue(key, field);
      learn(field);
    }
  };

  const replaceTexts = (text: string): string => {
    let result = text;
    for (const [from, to] of options.texts) result = result.replaceAll(from, to);
    for (const [from, to] of placeholders) result = result.replaceAll(from, to);
    for (const word of options.words) if (result === word) result = "<name>";
    return redactText(result);
  };

  const shorten = (text: string, field: string): string => {
    if (text.length <= MAX_TEXT || isStructured(text)) return replaceTexts(text);
    // The CLIs print a JSON object a line: each keeps its shape.
    if (field === "stdout" && text.includes("\n"))
      return text
        .split("\n")
        .map((line) => shorten(line, "line"))
        .join("\n");
    if (VENDOR_FIELDS.has(field)) return note(text);
    const parsed = text.length <= MAX_JSON_TEXT ? asJson(text) : undefined;
    if (parsed !== undefined) return JSON.stringify(redact(parsed, field));
    // Replaced before it is cut: half a path would not be recognised.
    return `${replaceTexts(text).slice(0, HEAD)}… ${note(text)}`;
  };

  /** Header values keep their length: they are what a router reads. */
  const redact = (value: unknown, field = "", inHeaders = false): unknown => {
    if (typeof value === "string" && isSecretName(field)) return REDACTED;
    if (typeof value === "string") return inHeaders ? replaceTexts(value) : shorten(value, field);
    if (value === null || typeof value !== "object") return value;
    if (SCHEMA_FIELDS.has(field)) {
      const schema = JSON.stringify(value);
      if (schema.length > MAX_TEXT) return `${note(schema)} of JSON`;
    }
    if (Array.isArray(value)) return value.map((item) => redact(item, field));
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [replaceTexts(key), redact(item, key, inHeaders || key === "headers")]),
    );
  };

  return { learn, redact: (value) => redact(value) };
}

/** Long texts that a reader parses: paths, and the message that tells a parent of its background agent's end. */
export const isStructured = (text: string): boolean =>
  text.length <= 1_000 && (/^\/\S+$/.test(text) || text.startsWith("<task-notification>"));

const note = (text: string) => `[… ${text.length} characters]`;

function asJson(text: string): object | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed !== null && typeof parsed === "object" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
