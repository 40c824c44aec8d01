import type { AttributeView } from "./emitter.ts";

const MAX_MESSAGES = 2_000;

/**
 * Messages that came one attribute a member (`llm.input_messages.0.message.role`, `gen_ai.prompt.0.content`) as JSON text of the
 * GenAI message schema; null where there are none. `inner` stands between the index and the member's name, or is ''.
 */
export function flattenedMessages(attributes: AttributeView, prefix: string, inner = ""): string | null {
  const messages = new Map<number, { role?: string; content: unknown[]; calls: Map<number, Record<string, unknown>> }>();
  for (const [name, value] of attributes.below(prefix)) {
    const [, digits = "", member = ""] = /^(\d{1,5})\.(.*)$/.exec(name.slice(prefix.length)) ?? [];
    const index = Number(digits);
    if (digits === "" || index >= MAX_MESSAGES || !member.startsWith(inner)) continue;
    const message = messages.get(index) ?? { content: [], calls: new Map() };
    messages.set(index, message);
    readMember(message, member.slice(inner.length), value);
  }
  if (messages.size === 0) return null;
  const ordered = [...messages]
    .sort(([a], [b]) => a - b)
    .map(([, { role, content, calls }]) => {
      const parts = content.map((text) => ({ type: "text", content: text }));
      const called = [...calls].sort(([a], [b]) => a - b).map(([, call]) => ({ type: "tool_call", ...call }));
      return { ...(role === undefined ? {} : { role }), parts: [...parts, ...called] };
    });
  return JSON.stringify(ordered);
}

function readMember(
  message: { role?: string; content: unknown[]; calls: Map<number, Record<string, unknown>> },
  member: string,
  value: unknown,
): void {
  if (member === "role") message.role = String(value);
  else if (member === "content" || /^contents\.\d+\.message_content\.text$/.test(member)) message.content.push(value);
  else {
    const [, digits, field] = /^tool_calls\.(\d{1,4})\.(?:tool_call\.)?(?:function\.)?(id|name|arguments)$/.exec(member) ?? [];
    if (digits === undefined || field === undefined) return;
    const call = message.calls.get(Number(digits)) ?? {};
    message.calls.set(Number(digits), { ...call, [field]: value });
  }
}
