/** What every request parser does with its messages: the invariants of the intermediate representation. */

import type { AssistantMessage, Message, SystemMessage, TextPart, UserMessage } from "./types.ts";

/** Leading system messages become the system prompt; neighbours of one role become one message; tool results go first. */
export function arrange(messages: Message[]): { system: TextPart[]; messages: Message[] } {
  const firstTurn = messages.findIndex((message) => message.role !== "system");
  const turns = firstTurn < 0 ? [] : messages.slice(firstTurn);
  const leading = firstTurn < 0 ? messages : messages.slice(0, firstTurn);
  return {
    system: leading.flatMap((message) => (message.role === "system" ? message.parts : [])),
    messages: mergeNeighbours(turns).map(resultsFirst),
  };
}

function mergeNeighbours(messages: Message[]): Message[] {
  const merged: Message[] = [];
  for (const message of messages) {
    if (message.parts.length === 0) continue;
    const last = merged.at(-1);
    if (last?.role === message.role) merged[merged.length - 1] = join(last, message);
    else merged.push(message);
  }
  return merged;
}

/** Both of one role: the types of their parts are the same. */
function join(first: Message, second: Message): Message {
  return { role: first.role, parts: [...first.parts, ...second.parts] } as SystemMessage | UserMessage | AssistantMessage;
}

function resultsFirst(message: Message): Message {
  if (message.role !== "user") return message;
  const results = message.parts.filter((part) => part.kind === "tool_result");
  return results.length === 0
    ? message
    : { role: "user", parts: [...results, ...message.parts.filter((part) => part.kind !== "tool_result")] };
}

export const textOf = (parts: readonly { kind: string; text?: string }[]): string =>
  parts.flatMap((part) => (part.kind === "text" ? [part.text ?? ""] : [])).join("\n");
