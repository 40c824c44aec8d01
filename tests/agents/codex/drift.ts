import { readFixtures } from "../capture/fixture-folder.ts";
import type { Drifting } from "../drift.ts";
import { NOISE_ATTRIBUTE } from "./trim.ts";

const CONTENT = /^(prompt|arguments|output|content)$/;
export const codexDrift: Drifting = {
  fixtures: readFixtures("codex"),
  // without what the collector keeps and the captures do not: the end of each item of a stream
  rows: (sql) => sql`
    select name, array(select jsonb_object_keys(attributes)) as names from signalbox.spans
    where service_name like 'codex\\_%' and operation <> 'memory' and name <> 'handle_output_item_done'
      and not (name = 'handle_responses' and attributes ? 'from')`,
  isCall: (path) => path.endsWith("/responses"),
  isContent: (name) => CONTENT.test(name) || NOISE_ATTRIBUTE.test(name),
};
