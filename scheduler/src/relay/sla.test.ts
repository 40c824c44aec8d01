import { describe, expect, it } from "vitest";
import { slaVerdict } from "./sla.ts";

const SLA = { class: "interactive", ttftMs: 1_000, tpotMs: 50, deadlineMs: 60_000 } as const;
const timing = (endedAt: number, firstChunkAt?: number, outputTokens?: number) => ({ startedAt: 0, firstChunkAt, endedAt, outputTokens });
const streamed = (status: number, error?: string) => ({ status, error, stream: true });
const whole = (status: number, error?: string) => ({ status, error, stream: false });

describe("a call that came to its end", () => {
  it.each([
    ["in time", timing(1_900, 900, 21), true],
    ["its first token late", timing(1_900, 1_001, 2), false],
    ["its tokens slow", timing(2_000, 900, 21), false],
    ["after its deadline", timing(60_001, 900, 10_000), false],
    ["whole, within what its tokens were given", timing(2_000, undefined, 21), true],
    ["whole, and later", timing(2_001, undefined, 21), false],
  ])("%s", (_what, times, met) => expect(slaVerdict(SLA, times, streamed(200))).toBe(met));

  it("is missed where it failed, and not where the request was wrong", () => {
    for (const status of [0, 200, 401, 408, 429, 500]) expect(slaVerdict(SLA, timing(10), streamed(status, "failed"))).toBe(false);
    for (const status of [400, 413, 422]) expect(slaVerdict(SLA, timing(10), streamed(status, String(status)))).toBeUndefined();
  });
});

describe.each(["client_closed", "session_killed"])("a call that was cut off (%s)", (error) => {
  it.each([
    ["before its first token was due", timing(999), streamed, undefined],
    ["when that was late", timing(1_001), streamed, false],
    ["in the middle, in time so far", timing(1_900, 900, 21), streamed, undefined],
    ["in the middle, its first token late", timing(1_900, 1_001, 2), streamed, false],
    ["in the middle, its tokens slow so far", timing(2_000, 900, 21), streamed, false],
    ["of a whole reply, whose length nobody knows", timing(5_000), whole, undefined],
    ["of a whole reply, after its deadline", timing(60_001), whole, false],
  ])("%s", (_what, times, how, met) => expect(slaVerdict(SLA, times, how(200, error))).toBe(met));
});
