import { Operation, SILICONS } from "@signalbox/otel/conventions";
import {
  type AgentCounts,
  type CALL_COUNTERS,
  COMPARABLE_COUNTERS,
  type CountedSpan,
  type Counts,
  ROUTE_HOUR_COUNTERS,
  ROUTE_HOUR_KEY,
  type RouteMinute,
  SESSION_COUNTERS,
  SESSION_HOUR_COUNTERS,
  SESSION_HOUR_KEY,
  type SessionCounts,
  type SessionHour,
  type SILICON_COUNTERS,
  type SpanPlace,
  TOOL_HOUR_COUNTERS,
  TOOL_HOUR_KEY,
  type ToolMinute,
} from "./counter-rows.ts";
import { add, compareText, least, roundTo1024th, type Sum } from "./exact.ts";
import { agentKey } from "./identities.ts";

const HOUR_MICROS = 3_600e6;
const MINUTE_MICROS = 60e6;
const NO_SESSION_COUNTS = zeros(SESSION_COUNTERS);
// Whole rows: to copy one costs a tenth of what it costs to put one together.
const NO_SESSION_HOUR: SessionHour = { ...zeros(SESSION_HOUR_COUNTERS), ...noKey(SESSION_HOUR_KEY), hour: 0, project: "" };
const NO_ROUTE_MINUTE: RouteMinute = {
  ...zeros(ROUTE_HOUR_COUNTERS),
  ...zeros(COMPARABLE_COUNTERS),
  ...noKey(ROUTE_HOUR_KEY),
  minute: 0,
  busy_ms: 0,
};
const NO_TOOL_MINUTE: ToolMinute = { ...zeros(TOOL_HOUR_COUNTERS), ...noKey(TOOL_HOUR_KEY), minute: 0 };
const SILICON_COUNTER = new Map<string | null, (typeof SILICON_COUNTERS)[number]>(SILICONS.map((silicon) => [silicon, `${silicon}_calls`]));
/** For a session or agent whose spans were all stored before. */
export const NOTHING_NEW = { ...NO_SESSION_COUNTS, last_error_time: null, last_error: null };

function zeros<Names extends readonly string[]>(names: Names): Counts<Names> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Counts<Names>;
}

function noKey<Name extends string>(names: readonly Name[]): { [N in Name]: string } {
  return Object.fromEntries(names.map((name) => [name, ""])) as { [N in Name]: string };
}

/** Whether what is merged is added or taken away. */
type Sign = 1 | -1;

function addAll<Name extends string>(names: readonly Name[], into: { [N in Name]: Sum }, from: { [N in Name]: Sum }, sign: Sign = 1): void {
  for (const name of names) into[name] = add(into[name], sign === 1 ? from[name] : -from[name]);
}

/** Counters of spans: by agent, by session and hour, by route and tool and minute. Adding is exact, so the order of spans and batches changes nothing. */
export class Counters {
  readonly #agents = new Map<string, AgentCounts>();
  readonly #errors = new Map<string, { time: number; text: string }>();
  readonly #sessionHours = new Map<string, SessionHour>();
  readonly #routeMinutes = new Map<string, RouteMinute>();
  readonly #toolMinutes = new Map<string, ToolMinute>();
  readonly #memorySpans: SpanPlace[] = [];
  // spans of one agent on one route stand together: mostly the last row is the next, too
  #agent: AgentCounts | undefined;
  #sessionHour: SessionHour | undefined;
  #routeMinute: RouteMinute | undefined;
  #toolMinute: ToolMinute | undefined;

  /** Counts a span that was not stored before. */
  add(span: CountedSpan): void {
    const agent = this.#agentOf(span);
    const failed = span.status === 2;
    agent.spans = add(agent.spans, 1);
    if (span.operation === Operation.invokeAgent) agent.turns = add(agent.turns, 1);
    else if (span.operation === Operation.executeTool) {
      agent.tool_calls = add(agent.tool_calls, 1);
      this.#addTool(span, failed);
    } else if (span.operation === Operation.memory) this.#memorySpans.push({ session_id: span.session_id, start_time: span.start_time });
    if (failed) {
      if (span.is_call || span.operation === Operation.invokeAgent || span.operation === Operation.executeTool) {
        agent.errors = add(agent.errors, 1);
      }
      this.#addError(span.session_id, span.start_time, span.status_message ?? span.name);
    }
    if (!span.is_call) return;
    const sessionHour = this.#sessionHourOf(span, hourOf(span));
    const routeMinute = this.#routeMinuteOf(span, minuteOf(span));
    agent.calls = add(agent.calls, 1);
    const ofSilicon = SILICON_COUNTER.get(span.silicon);
    if (ofSilicon !== undefined) agent[ofSilicon] = add(agent[ofSilicon], 1);
    addCall(agent, span);
    addHourCall(sessionHour, span);
    addHourCall(routeMinute, span);
    if (compareText(span.project, sessionHour.project) < 0) sessionHour.project = span.project;
    if (span.sla_met !== null) {
      if (span.sla_met) routeMinute.sla_met = add(routeMinute.sla_met, 1);
      else routeMinute.sla_missed = add(routeMinute.sla_missed, 1);
    }
    if (span.cost_nusd !== null && span.baseline_nusd !== null && span.baseline_nusd > 0) {
      routeMinute.comparable_cost_nusd = add(routeMinute.comparable_cost_nusd, span.cost_nusd);
      routeMinute.comparable_baseline_nusd = add(routeMinute.comparable_baseline_nusd, span.baseline_nusd);
    }
    // as the columns hold them: four bytes
    if (span.prefill_ms !== null || span.decode_ms !== null) {
      routeMinute.busy_ms += roundTo1024th(Math.fround(span.prefill_ms ?? 0) + Math.fround(span.decode_ms ?? 0));
    }
  }

  /** Of these spans, as if none were stored. */
  static of(spans: Iterable<CountedSpan>): Counters {
    const counters = new Counters();
    for (const span of spans) counters.add(span);
    return counters;
  }

  /** The counters of several batches; of one, its own. */
  static sum(all: Counters[]): Counters {
    const [only] = all;
    if (only !== undefined && all.length === 1) return only;
    const sum = new Counters();
    for (const counters of all) sum.#merge(counters);
    return sum;
  }

  /** What is left of `all` without `gone`, which is stored spans that are taken away; the latest error stays, and so do places of memory spans. */
  static difference(all: Counters, gone: Counters): Counters {
    const difference = new Counters();
    difference.#merge(all);
    difference.#merge(gone, -1);
    return difference;
  }

  #merge(other: Counters, sign: Sign = 1): void {
    for (const from of other.#agents.values()) addAll(SESSION_COUNTERS, this.#agentOf(from), from, sign);
    if (sign === 1) for (const [sessionId, { time, text }] of other.#errors) this.#addError(sessionId, time, text);
    for (const from of other.#sessionHours.values()) {
      const into = this.#sessionHourOf(from, from.hour);
      addAll(SESSION_HOUR_COUNTERS, into, from, sign);
      into.project = least(into.project, from.project) ?? from.project;
    }
    for (const from of other.#routeMinutes.values()) {
      const into = this.#routeMinuteOf(from, from.minute);
      addAll(ROUTE_HOUR_COUNTERS, into, from, sign);
      addAll(COMPARABLE_COUNTERS, into, from, sign);
      into.busy_ms += sign * from.busy_ms;
    }
    for (const from of other.#toolMinutes.values()) addAll(TOOL_HOUR_COUNTERS, this.#toolMinuteOf(from, from.minute), from, sign);
    if (sign === 1) for (const place of other.#memorySpans) this.#memorySpans.push(place);
  }

  /** By `agentKey`. */
  agents(): ReadonlyMap<string, AgentCounts> {
    return this.#agents;
  }

  sessions(): Map<string, SessionCounts> {
    const sessions = new Map<string, SessionCounts>();
    for (const { agent_id: _, ...agent } of this.#agents.values()) {
      const error = this.#errors.get(agent.session_id);
      const session = sessions.get(agent.session_id);
      if (session !== undefined) addAll(SESSION_COUNTERS, session, agent);
      else sessions.set(agent.session_id, { ...agent, last_error_time: error?.time ?? null, last_error: error?.text ?? null });
    }
    return sessions;
  }

  sessionHours(): SessionHour[] {
    return [...this.#sessionHours.values()];
  }

  routeMinutes(): RouteMinute[] {
    return [...this.#routeMinutes.values()];
  }

  toolMinutes(): ToolMinute[] {
    return [...this.#toolMinutes.values()];
  }

  /** Where the memory spans among them are found. */
  memorySpans(): readonly SpanPlace[] {
    return this.#memorySpans;
  }

  #addTool(span: CountedSpan, failed: boolean): void {
    const tool = this.#toolMinuteOf(span, minuteOf(span));
    tool.calls = add(tool.calls, 1);
    if (failed) tool.errors = add(tool.errors, 1);
    tool.duration_ns = add(tool.duration_ns, span.duration_ns);
  }

  /** The latest error of a session; of two at once the greater text. */
  #addError(sessionId: string, time: number, text: string): void {
    const before = this.#errors.get(sessionId);
    if (before === undefined || time > before.time || (time === before.time && compareText(text, before.text) > 0)) {
      this.#errors.set(sessionId, { time, text });
    }
  }

  #agentOf(of: { session_id: string; agent_id: string }): AgentCounts {
    const last = this.#agent;
    if (last !== undefined && last.agent_id === of.agent_id && last.session_id === of.session_id) return last;
    const { session_id, agent_id } = of;
    this.#agent = getOrSet(this.#agents, agentKey(of), () => ({ ...NO_SESSION_COUNTS, session_id, agent_id }));
    return this.#agent;
  }

  #sessionHourOf(of: Keyed<(typeof SESSION_HOUR_KEY)[number] | "project">, hour: number): SessionHour {
    const last = this.#sessionHour;
    if (last !== undefined && isSessionHour(last, of, hour)) return last;
    this.#sessionHour = getOrSet(this.#sessionHours, mapKey(hour, SESSION_HOUR_KEY, of), () => {
      return withKey({ ...NO_SESSION_HOUR, hour, project: of.project ?? "" }, SESSION_HOUR_KEY, of);
    });
    return this.#sessionHour;
  }

  #routeMinuteOf(of: Keyed<(typeof ROUTE_HOUR_KEY)[number]>, minute: number): RouteMinute {
    const last = this.#routeMinute;
    if (last !== undefined && isRouteMinute(last, of, minute)) return last;
    this.#routeMinute = getOrSet(this.#routeMinutes, mapKey(minute, ROUTE_HOUR_KEY, of), () => {
      return withKey({ ...NO_ROUTE_MINUTE, minute }, ROUTE_HOUR_KEY, of);
    });
    return this.#routeMinute;
  }

  #toolMinuteOf(of: Keyed<(typeof TOOL_HOUR_KEY)[number]>, minute: number): ToolMinute {
    const last = this.#toolMinute;
    if (last !== undefined && last.minute === minute && last.tool_name === (of.tool_name ?? "") && last.project === of.project) return last;
    this.#toolMinute = getOrSet(this.#toolMinutes, mapKey(minute, TOOL_HOUR_KEY, of), () => {
      return withKey({ ...NO_TOOL_MINUTE, minute }, TOOL_HOUR_KEY, of);
    });
    return this.#toolMinute;
  }
}

const hourOf = (span: CountedSpan): number => Math.floor(span.start_time / HOUR_MICROS) * HOUR_MICROS;
const minuteOf = (span: CountedSpan): number => Math.floor(span.start_time / MINUTE_MICROS) * MINUTE_MICROS;

type Keyed<Name extends string> = { [N in Name]: string | null };

// Written out, for each span passes here: a loop over the names takes four times as long.
const isSessionHour = (row: SessionHour, of: Keyed<(typeof SESSION_HOUR_KEY)[number]>, hour: number): boolean =>
  row.hour === hour &&
  row.agent_id === of.agent_id &&
  row.session_id === of.session_id &&
  row.route === (of.route ?? "") &&
  row.pool === (of.pool ?? "") &&
  row.model === (of.model ?? "") &&
  row.silicon === (of.silicon ?? "");
const isRouteMinute = (row: RouteMinute, of: Keyed<(typeof ROUTE_HOUR_KEY)[number]>, minute: number): boolean =>
  row.minute === minute &&
  row.route === (of.route ?? "") &&
  row.pool === (of.pool ?? "") &&
  row.model === (of.model ?? "") &&
  row.silicon === (of.silicon ?? "") &&
  row.hardware === (of.hardware ?? "") &&
  row.provider === (of.provider ?? "") &&
  row.sla_class === (of.sla_class ?? "") &&
  row.task === (of.task ?? "") &&
  row.channel === (of.channel ?? "") &&
  row.agent_kind === (of.agent_kind ?? "") &&
  row.user_id === (of.user_id ?? "") &&
  row.key_name === (of.key_name ?? "") &&
  row.project === of.project;

/** What a span does not say is ''. */
function withKey<Name extends string, Row extends { [N in Name]: string }>(row: Row, names: readonly Name[], from: Keyed<Name>): Row {
  const key: { [N in Name]: string } = row;
  for (const name of names) key[name] = from[name] ?? "";
  return row;
}

/** The key of the map where the row of that key stands. */
function mapKey<Name extends string>(time: number, names: readonly Name[], from: Keyed<Name>): string {
  let key = String(time);
  for (const name of names) key += `\0${from[name] ?? ""}`;
  return key;
}

function getOrSet<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const before = map.get(key);
  if (before !== undefined) return before;
  const made = make();
  map.set(key, made);
  return made;
}

function addHourCall(into: Counts<typeof SESSION_HOUR_COUNTERS>, span: CountedSpan): void {
  into.calls = add(into.calls, 1);
  if (span.status === 2) into.errors = add(into.errors, 1);
  into.duration_ns = add(into.duration_ns, span.duration_ns);
  addCall(into, span);
}

type CallSpan = Pick<
  CountedSpan,
  "input_tokens" | "cache_read_tokens" | "cache_write_tokens" | "output_tokens" | "reasoning_tokens" | "cost_nusd" | "baseline_nusd"
>;

function addCall(into: Counts<typeof CALL_COUNTERS>, span: CallSpan): void {
  if (span.input_tokens !== null) into.input_tokens = add(into.input_tokens, span.input_tokens);
  if (span.cache_read_tokens !== null) into.cache_read_tokens = add(into.cache_read_tokens, span.cache_read_tokens);
  if (span.cache_write_tokens !== null) into.cache_write_tokens = add(into.cache_write_tokens, span.cache_write_tokens);
  if (span.output_tokens !== null) into.output_tokens = add(into.output_tokens, span.output_tokens);
  if (span.reasoning_tokens !== null) into.reasoning_tokens = add(into.reasoning_tokens, span.reasoning_tokens);
  if (span.baseline_nusd !== null) into.baseline_nusd = add(into.baseline_nusd, span.baseline_nusd);
  if (span.cost_nusd !== null) into.cost_nusd = add(into.cost_nusd, span.cost_nusd);
  else into.unknown_cost_calls = add(into.unknown_cost_calls, 1);
}
