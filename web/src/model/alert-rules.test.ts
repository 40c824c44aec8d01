import { expect, it } from "vitest";
import { CONDITION_KINDS } from "../api/alert.ts";
import { conditionOf, countByPart, draftOf, newDraft, requestOf, sentenceOf } from "./alert-rules.ts";

const sentence = (draft: ReturnType<typeof newDraft>) => {
  const condition = conditionOf(draft);
  return condition && sentenceOf(condition);
};

it("says a rule as a sentence", () => {
  expect(sentence(newDraft("session_cost"))).toBe("any session costs more than $5 in total");
  expect(sentence(newDraft("sub_agents"))).toBe("any session spawns more than 10 sub-agents within 60 s");
  expect(sentence({ ...newDraft("error_rate"), per: "route", threshold: "2.5" })).toBe(
    "any route fails more than 2.5 % of calls within 5 min",
  );
  expect(sentence({ ...newDraft("silence"), agent: "ops" })).toBe("ops has been silent for more than 30 min");
  expect(sentence({ ...newDraft("loop"), agent: "ops" })).toBe(
    "any session of ops makes the same tool call more than 5 times within 5 min",
  );
});

it("is no rule without a threshold", () => {
  for (const threshold of ["", " ", "0", "-1", "five", "1e999"]) expect(conditionOf({ ...newDraft("session_cost"), threshold })).toBeNull();
});

it("gives back every rule as it was made", () => {
  for (const kind of CONDITION_KINDS) {
    const draft = { ...newDraft(kind), forSeconds: 60, channels: ["c"] };
    const condition = conditionOf(draft);
    if (condition === null) throw new Error(`${kind} has no condition`);
    const { name, for_seconds } = requestOf(draft, condition);
    const rule = {
      rule_id: "r",
      name,
      project: null,
      condition,
      for_seconds,
      actions: [{ do: "notify" as const, channel_id: "c" }],
      enabled: true,
      muted_until: null,
      firing: 0,
      last_fired: null,
    };
    expect(draftOf(rule)).toEqual(draft);
  }
});

it("asks for no stop of what cannot be stopped", () => {
  const draft = { ...newDraft("error_rate"), stop: "kill" as const };
  const condition = conditionOf(draft);
  expect(condition && requestOf(draft, condition).actions).toEqual([]);
});

it("counts in equal parts, the edges too", () => {
  expect(countByPart([0, 9, 10, 99, 100], 0, 100, 10)).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
});
