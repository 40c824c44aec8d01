import { Attribute, type DecisionCandidate } from "@signalbox/otel/conventions";
import fc from "fast-check";
import { expect, test } from "vitest";
import { scheduleAttributes } from "./attributes.ts";
import type { DecisionRecord } from "./record.ts";

test("candidates are told as they are, whatever those of the call before were", () => {
  const few = fc.constantFrom(1, 2.5);
  const yes = fc.constant(true as const);
  const name = fc.constantFrom("a", "b");
  const all = {
    ...{ pool: name, model: name, silicon: fc.constantFrom("cpu" as const, "gpu" as const), rejected: name },
    ...{ ttft_ms: few, tpot_ms: few, ttft_uncorrected_ms: few, tpot_uncorrected_ms: few },
    ...{ warm_prefix_tokens: few, cost_nanousd: few, misses_sla: yes, chosen: yes },
  } satisfies Record<keyof DecisionCandidate, unknown>;
  const base = { pool: "a", model: "a", silicon: "cpu" } as const;
  // One that differs from the base in one field, so that none can be forgotten; the types say where a new one is missing here.
  const candidate = fc.oneof(
    ...Object.entries(all).map(([field, value]) => value.map((each) => ({ ...base, [field]: each }) as DecisionCandidate)),
  );
  fc.assert(
    fc.property(fc.array(fc.array(candidate, { maxLength: 2 }), { minLength: 50, maxLength: 100 }), (calls) => {
      for (const explained of calls) {
        const record = { placement: { explained }, attempts: [], intent: {} } as unknown as DecisionRecord;
        const attributes = scheduleAttributes(record);
        expect(attributes[attributes.indexOf(Attribute.decisionCandidates) + 1]).toBe(JSON.stringify(explained));
      }
    }),
  );
});
