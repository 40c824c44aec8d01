import { describe, expect, it } from "vitest";
import { formatTraceparent, isSpanId, isTraceId, parseTraceparent } from "./trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("parseTraceparent", () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-ff`, true],
    [` 00-${TRACE}-${SPAN}-01 `, true],
    [`cc-${TRACE}-${SPAN}-01-what-the-future-brings`, true],
  ])("reads %s", (header, sampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  it.each([
    undefined,
    "",
    "00",
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01-${"x".repeat(600)}`,
  ])("refuses %s", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});

describe("formatTraceparent", () => {
  it("is read back", () => {
    for (const sampled of [true, false]) {
      const context = { traceId: TRACE, spanId: SPAN, sampled };
      expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
    }
  });

  it("throws rather than write an id that voids the trace", () => {
    expect(() => formatTraceparent({ traceId: "0".repeat(32), spanId: SPAN, sampled: true })).toThrow(RangeError);
    expect(() => formatTraceparent({ traceId: TRACE, spanId: "abc", sampled: true })).toThrow(/"abc"/);
  });
});

it("ids of other types are not ids", () => {
  expect(isTraceId(undefined)).toBe(false);
  expect(isSpanId(1234567890123456)).toBe(false);
});
