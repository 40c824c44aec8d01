import { expect, it } from "vitest";
import { PROJECT_SEPARATOR, plainId, projectOfId } from "./conventions.ts";

it.each([
  ["agent:main:main", undefined, "agent:main:main"],
  [`acme${PROJECT_SEPARATOR}agent:main:main`, "acme", "agent:main:main"],
  [`acme${PROJECT_SEPARATOR}t:0af7`, "acme", "t:0af7"],
])("knows the id and the project of %j", (id, project, plain) => {
  expect([projectOfId(id), plainId(id)]).toEqual([project, plain]);
});
