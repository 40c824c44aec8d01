/** An Anthropic message → the intermediate representation. */

import { Dropped } from "../dropped.ts";
import { compact, type Field } from "../field.ts";
import type { Reply } from "../types.ts";
import { parseAssistantBlock } from "./parse-message.ts";
import { parseStop, readUsage, usageOf } from "./usage.ts";

/** @throws FieldError when it is no message */
export function parseResponse(body: Field): Reply {
  return compact({
    id: body.get("id").optional("string") ?? "",
    model: body.get("model").optional("string") ?? "",
    parts: body
      .get("content")
      .items()
      .map((block) => parseAssistantBlock(block, new Dropped())),
    stop: parseStop(body.get("stop_reason").optional("string") ?? "end_turn"),
    stopSequence: body.get("stop_sequence").optional("string"),
    usage: usageOf(readUsage(body.get("usage"))),
  });
}
