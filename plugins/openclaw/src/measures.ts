import { Attribute } from "@signalbox/otel/conventions";
import { usdToNanousd } from "@signalbox/otel/prices";
import type { SpanRecord } from "@signalbox/otel/provider";
import { count, type HostObject, number, object } from "./host-values.ts";

/** Tokens, times and cost of a model call. `promptTokens` is the whole input; OpenClaw's `input` leaves cached tokens out. */
export function measures(event: HostObject, routed: boolean): SpanRecord["attributes"] {
  const usage = object(event.usage);
  const cacheRead = count(usage.cacheRead);
  const cacheWrite = count(usage.cacheWrite);
  const input = count(usage.promptTokens) ?? sum(count(usage.input), cacheRead, cacheWrite);
  const firstByteMs = number(event.timeToFirstByteMs);
  const usd = number(object(usage.cost).total);
  // A model without prices in OpenClaw's config "costs" 0 there: that is unknown, not free.
  const reported = !routed && usd !== undefined && usd > 0 ? usd : undefined;
  return {
    [Attribute.inputTokens]: input,
    [Attribute.outputTokens]: count(usage.output),
    [Attribute.cacheReadTokens]: cacheRead,
    [Attribute.cacheWriteTokens]: cacheWrite,
    [Attribute.reasoningTokens]: count(usage.reasoningTokens),
    [Attribute.timeToFirstChunk]: firstByteMs === undefined ? undefined : firstByteMs / 1000,
    [Attribute.costNanousd]: reported === undefined ? undefined : usdToNanousd(reported),
    [Attribute.costUsd]: reported,
    [Attribute.costSource]: reported === undefined ? undefined : "reported",
  };
}

function sum(input: number | undefined, ...rest: (number | undefined)[]): number | undefined {
  return input === undefined ? undefined : rest.reduce<number>((total, value) => total + (value ?? 0), input);
}
