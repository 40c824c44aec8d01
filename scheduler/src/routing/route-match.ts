/** Does a route's `when` hold? Every condition that is given must. */

import type { SlaClass } from "@signalbox/otel/conventions";
import type { RouteConfig } from "../config/schema.ts";

export interface RouteSubject {
  task: string | undefined;
  sla: SlaClass;
  user: string | undefined;
  promptTokens: number;
  lastUserText: () => string;
}

export function matchesRoute(when: RouteConfig["when"], subject: RouteSubject): boolean {
  if (when.task && !(subject.task !== undefined && when.task.includes(subject.task))) return false;
  if (when.sla && !when.sla.includes(subject.sla)) return false;
  if (when.prompt_tokens_below !== undefined && subject.promptTokens >= when.prompt_tokens_below) return false;
  if (when.prompt_tokens_above !== undefined && subject.promptTokens <= when.prompt_tokens_above) return false;
  if (when.users && !when.users.some((pattern) => matchesPattern(pattern, subject.user ?? ""))) return false;
  // Last: it parses the messages.
  if (when.keywords) {
    const text = subject.lastUserText().toLowerCase();
    if (!when.keywords.some((keyword) => text.includes(keyword.toLowerCase()))) return false;
  }
  return true;
}

/** `*` stands for any characters. Pieces are looked for from left to right: no backtracking, whatever the pattern. */
function matchesPattern(pattern: string, value: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === value;
  if (!value.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = value.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return value.length - last.length >= at && value.endsWith(last);
}
