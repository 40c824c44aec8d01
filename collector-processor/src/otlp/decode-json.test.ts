import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeJsonTraces } from "./decode-json.ts";
import { KeyValueList, MalformedBody } from "./traces.ts";

const decode = (value: unknown) => decodeJsonTraces(Buffer.from(JSON.stringify(value)));
const span = (fields: object) => decode({ resourceSpans: [{ scopeSpans: [{ spans: [fields] }] }] })[0]?.scopes[0]?.spans[0];
const attribute = (value: unknown) => span({ attributes: [{ key: "k", value }] })?.attributes[1];

describe("decodeJsonTraces", () => {
  it("reads the kind of request that the specification shows", () => {
    const [resource] = decodeJsonTraces(readFileSync(new URL("./trace-example.json", import.meta.url)));
    expect(resource?.attributes).toEqual(["service.name", "checkout"]);
    expect(resource?.scopes[0]).toMatchObject({ name: "checkout.instrumentation", version: "1.0.0" });
    expect(resource?.scopes[0]?.spans[0]).toMatchObject({
      traceId: "5b8efff798038103d269b633813fc60c",
      spanId: "eee19b7ec3c1b174",
      parentSpanId: "eee19b7ec3c1b173",
      kind: 2,
      startMicros: 1_763_632_800_000_000,
      startNanos: 1,
      statusCode: 1,
      attributes: ["http.route", "/pay", "retries", 3],
    });
  });

  it.each([
    [{ stringValue: "x" }, "x"],
    [{ intValue: "-7" }, -7],
    [{ intValue: 7 }, 7],
    [{ intValue: "9223372036854775807" }, 9223372036854775807n],
    [{ doubleValue: 1.5 }, 1.5],
    [{ doubleValue: "-Infinity" }, Number.NEGATIVE_INFINITY],
    [{ boolValue: false }, false],
    [{ bytesValue: "AQI=" }, Buffer.from([1, 2])],
    [{ arrayValue: { values: [{ intValue: 1 }, {}] } }, [1, null]],
    [{ arrayValue: {} }, []],
    [{}, null],
    [undefined, null],
  ])("reads the value %j", (value, expected) => {
    expect(attribute(value)).toEqual(expected);
  });

  it("reads maps as lists of pairs", () => {
    const map = attribute({ kvlistValue: { values: [{ key: "__proto__", value: { stringValue: "x" } }] } });
    expect(map).toBeInstanceOf(KeyValueList);
    expect((map as KeyValueList).entries).toEqual(["__proto__", "x"]);
  });

  it.each([
    ["traceId", { traceId: 7 }, "traceId is not a string"],
    ["time", { startTimeUnixNano: "-1" }, "startTimeUnixNano is not a count of nanoseconds"],
    ["time", { endTimeUnixNano: "99999999999999999999" }, "endTimeUnixNano is not a count of nanoseconds"],
    ["int", { attributes: [{ key: "k", value: { intValue: "1.5" } }] }, "intValue is not a 64-bit integer"],
    ["kind", { kind: "CLIENT" }, "kind is neither a number nor a known name"],
    ["attributes", { attributes: {} }, "attributes is not an array"],
  ])("refuses a wrong %s and names it", (_name, fields, message) => {
    expect(() => span(fields)).toThrow(message);
  });

  it("reads any JSON or refuses it as malformed", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        try {
          decodeJsonTraces(
            Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"value":${json}}],"events":${json}}]}]}]}`),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBody);
        }
      }),
      { numRuns: 500 },
    );
  });
});
