import { readFixtures } from "../capture/fixture-folder.ts";
import type { Drifting } from "../drift.ts";
import { NOISE_ATTRIBUTE } from "./trim.ts";

const CONTENT = /^(prompt|arguments|output|content)$/;
export const codexDrift: Drifting = {
  fixtures: readFixtures("codex"),
  rows: (sql) => sql`
    select name, array(select jsonb_object_keys(attributes)) as names from signalbox.spans
    where service_name like 'codex\\_%' and operation <> 'memory'`,
  isCall: (path) => path.endsWith("/responses"),
  isContent: (name) => CONTENT.test(name) || NOISE_ATTRIBUTE.test(name),
};
