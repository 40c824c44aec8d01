import { readFixtures } from "../capture/fixture-folder.ts";
import type { Drifting } from "../drift.ts";

const CONTENT = /^(user_prompt|full_command|prompt|response|tool_input|tool_parameters)$/;

export const claudeCodeDrift: Drifting = {
  fixtures: readFixtures("claude-code"),
  rows: (sql) => sql`
    select name, array(select jsonb_object_keys(attributes)) as names from signalbox.spans where name like 'claude\\_code.%'`,
  isCall: (path) => path.startsWith("/v1/messages"),
  isContent: (name) => CONTENT.test(name),
};
