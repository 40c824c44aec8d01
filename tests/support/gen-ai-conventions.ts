import { type AttributeType, ENUMS, GEN_AI_ATTRIBUTES, GEN_AI_SPANS, OUR_OPERATIONS, PARTS } from "./gen-ai-registry.ts";

export interface ValidatedSpan {
  name: string;
  /** As OTLP numbers them: 1 INTERNAL, 2 SERVER, 3 CLIENT. */
  kind: number;
  failed: boolean;
  attributes: Readonly<Record<string, unknown>>;
}

export interface ValidationOptions {
  /**
   * Spans that were made elsewhere: their names and kinds are their emitter's, which the conventions allow, and what it does not know it
   * cannot say. What is said must be said rightly all the same.
   */
  foreign?: boolean;
  /** Attributes below `gen_ai.` that the conventions do not have and that are known to be sent. */
  extra?: readonly string[];
}

/** What of a span is not as OpenTelemetry's GenAI semantic conventions have it, in words; empty where all is. */
export function genAiProblems(span: ValidatedSpan, { foreign = false, extra = [] }: ValidationOptions = {}): string[] {
  const { attributes } = span;
  const problems: string[] = [];
  const say = (problem: string) => void problems.push(`${span.name}: ${problem}`);
  for (const [name, value] of Object.entries(attributes)) {
    if (!name.startsWith("gen_ai.") || value === undefined) continue;
    const type = GEN_AI_ATTRIBUTES[name];
    if (type === undefined) {
      if (!foreign && !extra.includes(name)) say(`${name} is no attribute of the conventions`);
    } else if (!IS[type](value)) say(`${name} is no ${type}: ${JSON.stringify(value)?.slice(0, 80)}`);
    else if (ENUMS[name]?.includes(value as string) === false) say(`${name} has no value ${value}`);
  }
  for (const [parts, whole] of PARTS) {
    const sum = parts.reduce((total, part) => total + Number(attributes[part] ?? 0), 0);
    if (attributes[whole] !== undefined && sum > Number(attributes[whole])) say(`${parts.join(" + ")} is more than ${whole}`);
  }
  if (attributes["server.address"] !== undefined && attributes["server.port"] === undefined) say("server.address without server.port");

  const operation = attributes["gen_ai.operation.name"];
  if (operation === undefined) {
    const speaks = Object.keys(attributes).find((name) => /^gen_ai\.(?:request|response|usage|tool|input|output)\./.test(name));
    if (speaks !== undefined && !foreign) say(`${speaks} without gen_ai.operation.name`);
    return problems;
  }
  if (span.failed && attributes["error.type"] === undefined && !foreign) say("it failed, and there is no error.type");
  if (OUR_OPERATIONS.has(operation as string)) return problems;
  const convention = GEN_AI_SPANS[operation as string];
  if (convention === undefined) {
    if (!foreign) say(`the operation ${operation} is neither of the conventions nor one of ours`);
    return problems;
  }
  const absent = (name: string) => attributes[name] === undefined || attributes[name] === "";
  for (const name of convention.required) if (absent(name) && !(foreign && name === "gen_ai.provider.name")) say(`${name} is required`);
  if (foreign) return problems;
  for (const name of convention.whenAvailable) if (absent(name)) say(`${name} is required where it is known`);
  if (!convention.kinds.includes(span.kind)) say(`its kind is ${span.kind}, not one of ${convention.kinds.join(", ")}`);
  const target = convention.target === null ? undefined : attributes[convention.target];
  const name = target === undefined ? operation : `${operation} ${target}`;
  if (span.name !== name) say(`its name is not ${name}`);
  return problems;
}

const isInteger = (value: unknown) => Number.isInteger(value) || typeof value === "bigint";
const IS: Record<AttributeType, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  int: isInteger,
  double: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  "string[]": (value) => Array.isArray(value) && value.every((element) => typeof element === "string"),
  messages: isMessages,
  any: () => true,
};

/** JSON text, or the structure itself, of `[{ role, parts: [{ type, … }] }]`. What was cut to a limit is JSON no more. */
function isMessages(value: unknown): boolean {
  let list = value;
  if (typeof value === "string") {
    try {
      list = JSON.parse(value);
    } catch {
      return false;
    }
  }
  return (
    Array.isArray(list) &&
    list.every(
      (message) =>
        typeof message?.role === "string" &&
        Array.isArray(message.parts) &&
        message.parts.every((part: { type?: unknown }) => typeof part?.type === "string"),
    )
  );
}
