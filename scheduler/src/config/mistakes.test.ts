/** What each kind of mistake in a config file is told as: one line that says where and what. */

import { expect, test } from "vitest";
import { ConfigError, parseConfig } from "../config.ts";

/** Six lines: what is appended stands on the seventh. */
const POOLS = `pools:
  - name: local
    silicon: gpu
    engine: openai-compatible
    base_url: http://127.0.0.1:8000/v1
    models: [{ id: qwen }]
`;
const route = (text: string) => `${POOLS}routes:\n  - { name: r, ${text} }\n`;

function problems(text: string): readonly string[] {
  try {
    parseConfig(text, "c.yaml", {});
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test.each([
  ["broken YAML", "pools: [\n", "c.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]"],
  ["a key twice", `${POOLS}pools: []\n`, "c.yaml:7:1: Map keys must be unique"],
  ["an empty file", "", "c.yaml:1:1: pools: is missing (expected array)"],
  ["a list in place of the file", "- pools\n", "c.yaml:1:1: expected object, received array"],
  ["no pools", "pools: []\n", "c.yaml:1:1: pools: expected at least 1 entry"],
  ["a misspelt key", `${POOLS}rotues: []\n`, 'c.yaml:7:1: rotues: unknown key "rotues", did you mean "routes"?'],
  ["a key of no kind", `${POOLS}colour: red\n`, 'c.yaml:7:1: colour: unknown key "colour"'],
  [
    "a misspelt key inside",
    POOLS.replace("base_url", "base_ulr"),
    'c.yaml:5:5: pools[0].base_ulr: unknown key "base_ulr", did you mean "base_url"?',
  ],
  [
    "a misspelt value",
    POOLS.replace("gpu", "gpuu"),
    'c.yaml:3:5: pools[0].silicon: expected one of cpu, gpu, npu, cloud, did you mean "gpu"?',
  ],
  [
    "an engine that is none",
    POOLS.replace("openai-compatible", "vllm"),
    "c.yaml:4:5: pools[0].engine: expected one of llama-cpp, openai-compatible, anthropic",
  ],
  ["a probe of no path", `${POOLS}    probe: { path: health }\n`, "c.yaml:7:14: pools[0].probe.path: must begin with / and hold no spaces"],
  [
    "a pool without a key of its own that is to be measured",
    `${POOLS}    credentials: caller\n    warmup: true\n`,
    "c.yaml:8:5: pools[0].warmup: credentials: caller leaves no key to measure the pool with",
  ],
  ["a wrong type", `${POOLS}    slots: many\n`, "c.yaml:7:5: pools[0].slots: expected number, received string"],
  ["a number out of range", `${POOLS}    slots: 0\n`, "c.yaml:7:5: pools[0].slots: expected at least 1"],
  ["an address that is none", POOLS.replace("http://127.0.0.1:8000/v1", "localhost"), "c.yaml:5:5: pools[0].base_url: invalid URL"],
  ["a name twice", `${POOLS}${POOLS.replace("pools:\n", "")}`, 'c.yaml:7:5: pools[1].name: there is already a pool "local"'],
  [
    "a model that is not there",
    `${POOLS}models: { auto: { any_of: [qwem] } }\n`,
    'c.yaml:7:28: models.auto.any_of[0]: there is no model "qwem", did you mean "qwen"?',
  ],
  [
    "a pool that is not there",
    route("when: {}, use: { pools: [locla] }"),
    'c.yaml:8:41: routes[0].use.pools[0]: there is no pool "locla", did you mean "local"?',
  ],
  [
    "a variable that is not set",
    `${POOLS}    api_key_env: NO_KEY\n`,
    "c.yaml:7:5: pools[0].api_key_env: the environment variable NO_KEY is not set",
  ],
  ["half a target", `${POOLS}sla: { interactive: { ttft_ms: 1 } }\n`, "c.yaml:7:8: sla.interactive.tpot_ms: is missing (expected number)"],
  ["a price by time without one", `${POOLS}    cost_by: time\n`, "c.yaml:7:5: pools[0].cost_by: cost_by: time needs hourly_usd"],
  [
    "an expression that does not end",
    route('when: { pattern: "(a" }, use: {}'),
    "c.yaml:8:24: routes[0].when.pattern: is no regular expression that RE2 takes: error parsing regexp: missing closing ): `(a`",
  ],
  [
    "an expression that would backtrack",
    route('when: { pattern: "(a+)\\\\1" }, use: {}'),
    "c.yaml:8:24: routes[0].when.pattern: is no regular expression that RE2 takes: error parsing regexp: invalid escape sequence: `\\1`",
  ],
  [
    "a time zone that is none",
    route("when: { time: { timezone: Europe/Atlantis } }, use: {}"),
    'c.yaml:8:32: routes[0].when.time.timezone: expected the name of a time zone, like "Europe/Berlin"',
  ],
  [
    "an hour that is none",
    route('when: { time: { from: "25:00" } }, use: {}'),
    'c.yaml:8:32: routes[0].when.time.from: expected a time like "08:30"',
  ],
  [
    "meaning without a model",
    route("when: { semantic: { examples: [a], threshold: 0.8 } }, use: {}"),
    "c.yaml:8:24: routes[0].when.semantic: needs semantic.embeddings: the model that makes the vectors",
  ],
  [
    "a shadow on a pool of one slot",
    `${POOLS}    slots: 1\nroutes:\n  - { name: r, when: {}, use: {}, shadow: { pool: local, share: 0.1, max_usd_per_day: 1 } }\n`,
    "c.yaml:9:45: routes[0].shadow.pool: pool local has one slot, and copies never take the last free one",
  ],
  [
    "a role that no key has",
    route("when: { roles: [admin] }, use: {}"),
    'c.yaml:8:32: routes[0].when.roles[0]: there is no role of a key "admin"',
  ],
  ["a key without a key", `${POOLS}keys: [{ name: a }]\n`, "c.yaml:7:8: keys[0].key_env: is missing (expected string)"],
])("%s", (_kind, text, line) => {
  expect(problems(text)).toEqual([line]);
});

test("aliases that stand for too much are refused, not followed", () => {
  const level = (n: number) => `l${n}: &l${n} [${`*l${n - 1},`.repeat(9)}*l${n - 1}]`;
  const text = ["l0: &l0 [a]", ...Array.from({ length: 9 }, (_, n) => level(n + 1)), POOLS].join("\n");
  expect(problems(text)).toEqual(["c.yaml: Excessive alias count indicates a resource exhaustion attack"]);
});
