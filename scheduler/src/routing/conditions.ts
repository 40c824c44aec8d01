/** A route's `when` as a list of conditions, each of which can say itself in words. */

import type { AgentKind, SlaClass } from "@signalbox/otel/conventions";
import type { EndpointName, RouteConfig } from "../config/route-schema.ts";
import { compileExpression } from "./expression.ts";
import { createTimeWindow } from "./time-window.ts";
import { compileWildcard } from "./wildcard.ts";

/** What rules can ask about a request. What is not known is undefined, and matches no condition. */
export interface RouteSubject {
  task: string | undefined;
  sla: SlaClass;
  user: string | undefined;
  /** Names of the key and of its role. */
  key: string | undefined;
  role: string | undefined;
  endpoint: EndpointName | undefined;
  agentKind: AgentKind | undefined;
  agentName: string | undefined;
  agentDepth: number | undefined;
  promptTokens: number;
  promptBytes: number | undefined;
  /** Milliseconds since the epoch. */
  now: number | undefined;
  tools: boolean | undefined;
  /** The rest is called only where a rule asks for it. */
  /** What the client calls itself: title, referer, user agent. */
  applications: () => readonly string[];
  images: () => boolean | undefined;
  lastUserText: () => string;
}

export interface Condition {
  holds(subject: RouteSubject): boolean;
  /** Once it held: `task cron`. */
  why(subject: RouteSubject): string;
}

/** Characters of a message that an expression looks at, from its end: usual patterns take 0.5 ms, the worst that was tried 27 ms. */
const MAX_EXPRESSION_CHARACTERS = 4_096;

/** Cheapest first: the last ones parse the messages. */
export function conditionsOf(when: RouteConfig["when"]): Condition[] {
  const conditions: Condition[] = [];
  const add = <T>(given: T | undefined, condition: (given: T) => Condition) => {
    if (given !== undefined) conditions.push(condition(given));
  };
  const oneOf = (what: string, read: (subject: RouteSubject) => string | undefined) => (allowed: readonly string[]) => ({
    holds: (subject: RouteSubject) => allowed.includes(read(subject) ?? ""),
    why: (subject: RouteSubject) => `${what} ${read(subject)}`,
  });
  const bound = (what: string, read: (subject: RouteSubject) => number | undefined, sign: "<" | ">") => (limit: number) => ({
    holds(subject: RouteSubject) {
      const value = read(subject);
      return value !== undefined && (sign === "<" ? value < limit : value > limit);
    },
    why: (subject: RouteSubject) => `${what} ${read(subject)} ${sign} ${limit}`,
  });
  const likeOneOf = (what: string, read: (subject: RouteSubject) => readonly string[]) => (patterns: readonly string[]) => {
    const matchers = patterns.map(compileWildcard);
    const found = (subject: RouteSubject) => read(subject).find((value) => matchers.some((matches) => matches(value)));
    return { holds: (subject: RouteSubject) => found(subject) !== undefined, why: (subject: RouteSubject) => `${what} ${found(subject)}` };
  };

  add(
    when.task,
    oneOf("task", ({ task }) => task),
  );
  add(
    when.sla,
    oneOf("class", ({ sla }) => sla),
  );
  add(
    when.keys,
    oneOf("key", ({ key }) => key),
  );
  add(
    when.roles,
    oneOf("role", ({ role }) => role),
  );
  add(
    when.endpoints,
    oneOf("endpoint", ({ endpoint }) => endpoint),
  );
  add(
    when.agents,
    oneOf("agent", ({ agentKind }) => agentKind),
  );
  add(
    when.agent_depth_below,
    bound("depth", ({ agentDepth }) => agentDepth, "<"),
  );
  add(
    when.agent_depth_above,
    bound("depth", ({ agentDepth }) => agentDepth, ">"),
  );
  add(
    when.prompt_tokens_below,
    bound("prompt tokens", ({ promptTokens }) => promptTokens, "<"),
  );
  add(
    when.prompt_tokens_above,
    bound("prompt tokens", ({ promptTokens }) => promptTokens, ">"),
  );
  add(
    when.prompt_bytes_below,
    bound("prompt bytes", ({ promptBytes }) => promptBytes, "<"),
  );
  add(
    when.prompt_bytes_above,
    bound("prompt bytes", ({ promptBytes }) => promptBytes, ">"),
  );
  add(
    when.users,
    likeOneOf("user", ({ user }) => (user === undefined ? [] : [user])),
  );
  add(
    when.agent_names,
    likeOneOf("agent name", ({ agentName }) => (agentName === undefined ? [] : [agentName])),
  );
  add(
    when.applications?.map(lower),
    likeOneOf("application", ({ applications }) => applications().map(lower)),
  );
  add(when.time, (given) => {
    const windows = [given].flat();
    const open = windows.map(createTimeWindow);
    const at = (now: number) => windows[open.findIndex((holds) => holds(now))];
    return {
      holds: ({ now }) => now !== undefined && open.some((holds) => holds(now)),
      why({ now = 0 }) {
        const window = at(now);
        return `time ${window?.from}–${window?.to} ${window?.timezone}`;
      },
    };
  });
  add(when.tools, (wanted) => ({ holds: ({ tools }) => tools === wanted, why: () => (wanted ? "tools" : "no tools") }));
  add(when.images, (wanted) => ({ holds: ({ images }) => images() === wanted, why: () => (wanted ? "images" : "no images") }));
  add(when.keywords, (keywords) => {
    const wanted = keywords.map(lower);
    const found = ({ lastUserText }: RouteSubject) => {
      const text = lastUserText().toLowerCase();
      return wanted.find((keyword) => text.includes(keyword));
    };
    return { holds: (subject) => found(subject) !== undefined, why: (subject) => `keyword "${found(subject)}"` };
  });
  add(when.pattern, (source) => {
    const found = compileExpression(source);
    return { holds: ({ lastUserText }) => found(lastUserText().slice(-MAX_EXPRESSION_CHARACTERS)), why: () => `pattern ${source}` };
  });
  return conditions;
}

const lower = (text: string) => text.toLowerCase();
