import { Attribute, COST_SOURCES, type CostSource } from "@signalbox/otel/conventions";
import { type Dialect, draftText, ID_BYTES, integer, type Mapping, milliseconds, text } from "./dialect.ts";
import { memoryPath } from "./memory.ts";

/** 100,000 USD: no call costs more, and sums over all calls stay in 64 bits. */
const MAX_NANOUSD = 1e14;
const MAX_SMALLINT = 32_767;

const slaMet: Mapping = (draft, value) => {
  if (typeof value !== "boolean") return false;
  draft.row.sla_met = value;
  return true;
};

const routed: Mapping = (draft, value) => {
  // resources from OTEL_RESOURCE_ATTRIBUTES have only text
  draft.routed = value === true || value === "true";
  return false;
};

const agentDepth: Mapping = (draft, value) => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_SMALLINT) return false;
  draft.agentDepth = value;
  return true;
};

const costUsd: Mapping = (draft, value) => {
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_NANOUSD / 1e9)) return false;
  draft.costUsd = value;
  return false;
};

const costSource: Mapping = (draft, value) => {
  if (!COST_SOURCES.includes(value as CostSource)) return false;
  draft.row.cost_source = value as CostSource;
  return true;
};

/** Our own names, and the general OpenTelemetry ones that say who and where. */
export const signalbox: Dialect = {
  name: "signalbox",
  attributes: {
    [Attribute.sessionId]: draftText("sessionId"),
    [Attribute.userId]: text("user_id"),
    [Attribute.serviceName]: text("service_name"),
    [Attribute.project]: text("project"),
    [Attribute.keyName]: text("key_name"),
    [Attribute.signalboxAgentId]: text("agent_id", ID_BYTES),
    [Attribute.parentAgentId]: draftText("parentAgentId"),
    [Attribute.agentDepth]: agentDepth,
    [Attribute.agentKind]: text("agent_kind"),
    [Attribute.turnId]: text("turn_id"),
    [Attribute.channel]: text("channel"),
    [Attribute.spawnedByToolCall]: draftText("spawnedByToolCall", 160),
    [Attribute.task]: text("task"),
    [Attribute.route]: text("route"),
    [Attribute.pool]: text("pool"),
    [Attribute.silicon]: text("silicon"),
    [Attribute.hardware]: text("hardware"),
    [Attribute.tier]: integer("tier", MAX_SMALLINT),
    [Attribute.slaClass]: text("sla_class"),
    [Attribute.slaMet]: slaMet,
    [Attribute.decisionId]: text("decision_id"),
    [Attribute.attempt]: integer("attempt", MAX_SMALLINT),
    [Attribute.routed]: routed,
    [Attribute.queueMs]: milliseconds("queue_ms"),
    [Attribute.prefillMs]: milliseconds("prefill_ms"),
    [Attribute.decodeMs]: milliseconds("decode_ms"),
    [Attribute.costNanousd]: integer("cost_nusd", MAX_NANOUSD),
    [Attribute.costUsd]: costUsd,
    [Attribute.costSource]: costSource,
    [Attribute.memoryPath]: memoryPath,
    [Attribute.baselineNanousd]: integer("baseline_nusd", MAX_NANOUSD),
  },
};
