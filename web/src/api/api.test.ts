import { describe, expect, it } from "vitest";
import { changedKeys, mergeIngest } from "./changed-keys.ts";
import { CostParameters } from "./cost.ts";
import { openApiDocument, RESOURCES } from "./openapi.ts";

const problem = (input: object) => CostParameters.safeParse(input).error?.issues[0];

describe("cost parameters", () => {
  it("have defaults", () => expect(CostParameters.parse({})).toMatchObject({ group_by: ["route"], from: "-24h", tz: "UTC" }));
  it.each([
    [{ group_by: "route,colour" }, "group_by"],
    [{ group_by: "" }, "group_by"],
    [{ group_by: "route,route" }, "group_by"],
    [{ group_by: "agent,channel" }, "group_by"],
    [{ from: "yesterday" }, "from"],
    [{ from: "2026-13-01T00:00:00Z" }, "from"],
    [{ bucket: "year" }, "bucket"],
    [{ tz: "Mars/Olympus" }, "tz"],
    [{ limit: "0" }, "limit"],
    [{ limit: "1e9" }, "limit"],
  ])("%j is refused at %s", (input, field) => expect(problem(input)?.path[0]).toBe(field));
});

describe("what is stale after a batch", () => {
  it("is the lists and the sessions named", () => {
    expect(changedKeys({ sessions: ["a"], spans: 1, all: false })).toEqual([
      ["sessions"],
      ["cost"],
      ["attention"],
      ["events", "newest"],
      ["decisions"],
      ["trees"],
      ["explain"],
      ["pools"],
      ["alerts"],
      ["memory"],
      ["session", "a"],
    ]);
  });
  it("is every session where a trace without one, or more than can be named, changed", () => {
    expect(changedKeys({ sessions: ["t:00ff"], spans: 1, all: false })).toContainEqual(["session"]);
    expect(changedKeys({ sessions: [], spans: 1, all: true })).toContainEqual(["session"]);
  });
  it("adds batches up", () => {
    expect(mergeIngest({ sessions: ["a"], spans: 1, all: false }, { sessions: ["a", "b"], spans: 2, all: false })).toEqual({
      sessions: ["a", "b"],
      spans: 3,
      all: false,
    });
  });
});

describe("openapi.json", () => {
  const text = JSON.stringify(openApiDocument());
  const document = JSON.parse(text) as {
    paths: Record<string, { get?: { operationId: string }; post?: { operationId: string } }>;
    components: { schemas: Record<string, unknown> };
  };
  it("names every resource once", () => {
    for (const { path } of RESOURCES) expect(document.paths[path]?.get).toBeDefined();
    const ids = Object.values(document.paths).flatMap((path) => [path.get, path.post].flatMap((one) => one?.operationId ?? []));
    expect(new Set(ids).size).toBe(ids.length);
  });
  it("refers only to what it has", () => {
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(references.length).toBeGreaterThan(8);
    for (const name of references) expect(document.components.schemas).toHaveProperty(name ?? "");
    expect(text).not.toContain("$defs");
  });
});
