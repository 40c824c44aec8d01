import { Attribute, ResponseHeader, SILICONS } from "@signalbox/otel/conventions";
import type { SpanRecord } from "@signalbox/otel/provider";

/** What the scheduler's response headers say of a routed call, for the agent's own span of it. Never the cost: that is the scheduler's. */
export function responseAttributes(headers: Readonly<Record<string, string>>): SpanRecord["attributes"] {
  const silicon = headers[ResponseHeader.silicon];
  const tier = headers[ResponseHeader.tier];
  const slaMet = headers[ResponseHeader.slaMet];
  return {
    [Attribute.decisionId]: headers[ResponseHeader.decision],
    [Attribute.route]: headers[ResponseHeader.route],
    [Attribute.pool]: headers[ResponseHeader.pool],
    [Attribute.silicon]: SILICONS.find((known) => known === silicon),
    [Attribute.tier]: tier !== undefined && /^[0-3]$/.test(tier) ? Number(tier) : undefined,
    [Attribute.slaMet]: slaMet === "true" ? true : slaMet === "false" ? false : undefined,
  };
}
