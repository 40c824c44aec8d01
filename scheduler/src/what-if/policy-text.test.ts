import { expect, test } from "vitest";
import { demoConfig, parseConfig } from "../config.ts";
import { policyText } from "./policy-text.ts";

test("what is in force without a config file is a policy that is taken as it stands", () => {
  const { routes, pools, sla, tasks, models } = demoConfig();
  expect(parseConfig(policyText(demoConfig(), []), "policy", {})).toMatchObject({
    routes,
    sla,
    tasks,
    models,
    pools: pools.map(({ name, silicon, slots }) => ({ name, silicon, slots })),
  });
});
