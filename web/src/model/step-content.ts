import type { ContentMessage, ContentPart, StepContent } from "../api/step-content.ts";
import type { StepContentRow, ToolContentRow } from "../queries/list-step-content.ts";

/** Stored messages -> what was said in each step, as plain text. Bodies are what any emitter sent: nothing of their shape is trusted. */
export function toStepContents(
  spanIds: readonly string[],
  said: readonly StepContentRow[],
  tools: readonly ToolContentRow[],
  characters: number,
): StepContent[] {
  const bySpan = Map.groupBy(said, (row) => row.span_id);
  const toolBySpan = new Map(tools.map((tool) => [tool.span_id, tool]));
  return spanIds.map((span_id) => {
    const rows = bySpan.get(span_id) ?? [];
    // the nearest span that has the direction has it right
    const nearest = (direction: StepContentRow["direction"]) => rows.find((row) => row.direction === direction);
    const input = nearest("input");
    const fresh = newMessages(input?.bodies ?? []);
    const messages = [
      ...fresh.map((body) => toMessage(body, "input", characters)),
      ...(nearest("output")?.bodies ?? []).map((body) => toMessage(body, "output", characters)),
      ...toolMessages(toolBySpan.get(span_id), characters),
    ];
    return { span_id, messages, earlier_messages: Math.max(0, (input?.total ?? 0) - fresh.length) };
  });
}

/** Of a conversation that is sent again with each call: what came after the model last spoke. */
function newMessages(bodies: readonly unknown[]): readonly unknown[] {
  const last = bodies.findLastIndex((body) => roleOf(body) === "assistant");
  return last === bodies.length - 1 ? bodies.slice(-1) : bodies.slice(last + 1);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const roleOf = (body: unknown): string => (isRecord(body) && typeof body.role === "string" ? body.role : "unknown");
const toText = (value: unknown): string => (typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value, null, 2));

function toMessage(body: unknown, direction: ContentMessage["direction"], characters: number): ContentMessage {
  const parts = isRecord(body) && Array.isArray(body.parts) ? body.parts : [body];
  return { direction, role: roleOf(body), parts: parts.map((part) => toPart(part, characters)) };
}

function toPart(part: unknown, characters: number): ContentPart {
  if (!isRecord(part)) return cutPart("text", null, toText(part), characters);
  const type = typeof part.type === "string" ? part.type : "text";
  const name = typeof part.name === "string" ? part.name : null;
  if (type === "text" || type === "reasoning") return cutPart(type, name, toText(part.content), characters);
  if (type === "tool_call") return cutPart(type, name, toText(part.arguments), characters);
  if (type === "tool_call_response") return cutPart(type, name, toText(part.response ?? part.result ?? part.content), characters);
  // an image, a file, an address: said as data, and never loaded
  return cutPart(type, name, toText(Object.fromEntries(Object.entries(part).filter(([field]) => field !== "type"))), characters);
}

function cutPart(type: string, name: string | null, text: string, characters: number): ContentPart {
  return { type, name, text: text.length > characters ? text.slice(0, characters) : text, characters: text.length };
}

function toolMessages(tool: ToolContentRow | undefined, characters: number): ContentMessage[] {
  const messages: ContentMessage[] = [];
  if (tool?.arguments != null)
    messages.push({ direction: "input", role: "tool", parts: [cutPart("tool_call", null, tool.arguments, characters)] });
  if (tool?.result != null)
    messages.push({ direction: "output", role: "tool", parts: [cutPart("tool_call_response", null, tool.result, characters)] });
  return messages;
}

/** One line that says what the step was about: what came out, else what went in. */
export function previewOf({ messages }: Pick<StepContent, "messages">): string {
  const said = messages.findLast((message) => message.direction === "output" && textOf(message) !== "") ?? messages.at(-1);
  return said ? textOf(said).replace(/\s+/g, " ").trim() : "";
}

const textOf = ({ parts }: ContentMessage): string =>
  parts
    .filter((part) => part.type !== "reasoning")
    .map((part) => (part.type === "tool_call" && part.name ? `${part.name}(${part.text})` : part.text))
    .join(" ");
