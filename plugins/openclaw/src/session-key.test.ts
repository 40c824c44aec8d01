import { expect, it } from "vitest";
import { parseSessionKey } from "./session-key.ts";

it.each([
  ["agent:main:main", "main", "main", "main"],
  ["agent:ops:main", "ops", "main", "main"],
  ["agent:main:telegram:direct:123", "main", "channel", "telegram"],
  ["agent:main:telegram:group:-100:topic:42", "main", "channel", "telegram"],
  ["agent:main:slack:channel:c42", "main", "channel", "slack"],
  ["agent:main:cron:nightly:run:r1", "main", "cron", "cron"],
  ["agent:main:main:heartbeat", "main", "heartbeat", "heartbeat"],
  ["agent:main:subagent:0b7c", "main", "subagent", undefined],
  ["agent:main:subagent:0b7c:subagent:1d2e", "main", "subagent", undefined],
  ["agent:main:my-notes", "main", "other", undefined],
  ["agent", "main", "other", undefined],
  ["", "main", "other", undefined],
  ["something:else", "main", "other", undefined],
])("%s", (key, agentName, kind, channel) => {
  expect(parseSessionKey(key)).toEqual({ agentName, kind, channel });
});
