import { expect, test } from "vitest";
import type { Environment } from "./config/references.ts";
import { ConfigError, demoConfig, parseConfig } from "./config.ts";

const POOLS = `pools:
  - name: local
    silicon: gpu
    engine: openai-compatible
    base_url: http://127.0.0.1:8000/v1
    models: [{ id: qwen }]
`;

function problems(text: string, environment: Environment = {}): readonly string[] {
  try {
    parseConfig(text, "file.yaml", environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("the built-in config is valid and serves one model on two silicons", () => {
  const config = demoConfig();
  expect(config.pools.map((pool) => [pool.name, pool.silicon])).toEqual([
    ["demo-cpu", "cpu"],
    ["demo-gpu", "gpu"],
  ]);
  expect(config.models.auto?.any_of).toEqual(["signalbox-demo"]);
});

test.each([
  [
    "a misspelt key",
    POOLS.replace("base_url", "base_ulr"),
    'file.yaml:5:5: pools[0].base_ulr: unknown key "base_ulr", did you mean "base_url"?',
  ],
  ["a misspelt top-level key", `${POOLS}rotues: []\n`, 'file.yaml:7:1: rotues: unknown key "rotues", did you mean "routes"?'],
  [
    "a misspelt value",
    POOLS.replace("gpu", "gpuu"),
    'file.yaml:3:5: pools[0].silicon: expected one of cpu, gpu, npu, cloud, did you mean "gpu"?',
  ],
  ["a wrong type", `${POOLS}    slots: many\n`, "file.yaml:7:5: pools[0].slots: expected number, received string"],
  [
    "a model that is not there",
    `${POOLS}models: { auto: { any_of: [qwem] } }\n`,
    'file.yaml:7:28: models.auto.any_of[0]: there is no model "qwem", did you mean "qwen"?',
  ],
  [
    "a variable that is not set",
    `${POOLS}    api_key_env: NO_KEY\n`,
    "file.yaml:7:5: pools[0].api_key_env: the environment variable NO_KEY is not set",
  ],
  ["two targets in one class", `${POOLS}sla: { interactive: { ttft_ms: 1, deadline_ms: 2 } }\n`, "file.yaml:7:"],
  ["a misspelt target", `${POOLS}sla: { interactive: { ttft: 1000, tpot_ms: 60 } }\n`, 'unknown key "ttft", did you mean "ttft_ms"?'],
  ["broken YAML", "pools: [\n", "file.yaml:2:1: "],
  ["an empty file", "", "pools: is missing (expected array)"],
])("%s is told with its place", (_what, text, expected) => {
  expect(problems(text).join("\n")).toContain(expected);
});

test("every mistake is told, not only the first", () => {
  expect(problems(`${POOLS}    slots: 0\nkeys: [{ name: a }]\nbudgtes: []\n`)).toHaveLength(3);
});
