/** The two files that are made of the schema are those that this schema makes. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configJsonSchema } from "./json-schema.ts";
import { configReference } from "./reference.ts";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const AGAIN = "make it again: npm run config:docs";

test("signalbox.config.schema.json is up to date", () => {
  expect(JSON.parse(read("signalbox.config.schema.json")), AGAIN).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

test("CONFIG.md is up to date", () => {
  expect(read("CONFIG.md"), AGAIN).toBe(configReference());
});

test("the schema says what editors ask: keys with their descriptions, values to choose from, and no other key", () => {
  const route = configJsonSchema().properties?.routes?.items;
  expect(route?.properties?.when?.properties?.keywords?.description).toMatch(/last user message/);
  expect(route?.properties?.cache?.properties?.kind?.enum).toEqual(["exact", "semantic"]);
  expect(route?.additionalProperties).toBe(false);
  expect(route?.required).toEqual(["name", "when", "use"]);
});
