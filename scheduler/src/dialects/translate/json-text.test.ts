import { expect, test } from "vitest";
import { JsonText } from "./json-text.ts";

test.each([
  ["{}", true],
  ['{"a":[1,{"b":2}]}', true],
  ['{"a":"}"', false],
  ['{"a":"\\"}"', false],
  ['{"a":"\\\\"}', true],
  ["", false],
  ["[1,", false],
])("%s, letter by letter: %s", (json, complete) => {
  const text = new JsonText();
  for (const letter of json) text.push(letter);
  expect(text.complete).toBe(complete);
});
