/**
 * Function calling in the form that most open models were trained on (Hermes, Qwen): tools are listed in the system prompt, a call is
 * `<tool_call>` around a JSON object. Once a call begins a grammar rules it, so that its arguments always fit the tool's schema.
 */

import { createGrammarBuilder, literal, quote } from "./json-grammar.ts";

export const CALL_BEGIN = "<tool_call>";
const CALL_END = "</tool_call>";
const MAX_PARALLEL = 8;

export interface Tool {
  name: string;
  description?: string | undefined;
  /** JSON Schema; absent: no arguments. */
  parameters?: unknown;
}

export interface ToolCall {
  name: string;
  /** JSON text. */
  arguments: string;
}

export interface ToolUse {
  tools: readonly Tool[];
  /** The reply is a call, whatever the model would say. */
  required: boolean;
  /** Of what follows `<tool_call>\n`. */
  grammar: string;
}

/** @param only the one tool that may be called. @throws SchemaError */
export function toolUse(tools: readonly Tool[], required: boolean, parallel: boolean, only?: string): ToolUse {
  const builder = createGrammarBuilder();
  const calls = tools
    .filter(({ name }) => only === undefined || name === only)
    .map(({ name, parameters }) => {
      const schema = builder.schema(parameters ?? { type: "object", properties: {} });
      return `"{\\"name\\": " ${literal(name)} ", \\"arguments\\": " ${schema} "}"`;
    });
  const call = `(${calls.join(" | ")}) ${quote(`\n${CALL_END}`)}`;
  const more = parallel ? ` (${quote(`\n${CALL_BEGIN}\n`)} ${call}){0,${MAX_PARALLEL - 1}}` : "";
  return { tools, required, grammar: builder.build(call + more) };
}

export function describeTools(tools: readonly Tool[]): string {
  const lines = tools.map(({ name, description, parameters }) =>
    JSON.stringify({ type: "function", function: { name, description, parameters } }),
  );
  return [
    "# Tools",
    "",
    "You may call one or more functions to assist with the user query.",
    "",
    "You are provided with function signatures within <tools></tools> XML tags:",
    "<tools>",
    ...lines,
    "</tools>",
    "",
    `For each function call, return a json object with function name and arguments within ${CALL_BEGIN}${CALL_END} XML tags:`,
    CALL_BEGIN,
    '{"name": <function-name>, "arguments": <args-json-object>}',
    CALL_END,
  ].join("\n");
}

/** An earlier call, as the model itself would have written it. */
export const callText = ({ name, arguments: text }: ToolCall): string =>
  `${CALL_BEGIN}\n{"name": ${JSON.stringify(name)}, "arguments": ${text || "{}"}}\n${CALL_END}`;

export const resultText = (text: string): string => `<tool_response>\n${text}\n</tool_response>`;

/** Reads what the grammar let through after `<tool_call>\n`. A call that was cut off is none. */
export function readCalls(text: string): ToolCall[] {
  const whole = text.split(CALL_END).slice(0, -1);
  return whole.map((piece) => {
    const json = piece.replace(CALL_BEGIN, "").trim();
    const parsed = JSON.parse(json) as { name: string; arguments: unknown };
    return { name: parsed.name, arguments: JSON.stringify(parsed.arguments) };
  });
}
