/** Gives the calls in a stream the names that the client knows its tools by. */

import { type ToolNames, unwrapInput } from "./tool-names.ts";
import type { StreamEvent } from "./types.ts";

/** The free text of a custom tool's call comes wrapped in JSON: it is held back until it can be unwrapped. */
export function restoreTools(names: ToolNames): (event: StreamEvent) => StreamEvent[] {
  const held = new Map<number, string>();
  return (event) => {
    switch (event.type) {
      case "part_start": {
        const tool = event.part.kind === "tool_call" ? names.get(event.part.name) : undefined;
        // A native custom call is not wrapped.
        if (tool?.custom && !("custom" in event.part)) held.set(event.index, "");
        return tool && event.part.kind === "tool_call" ? [{ ...event, part: { ...event.part, ...tool } }] : [event];
      }
      case "part_delta": {
        const before = held.get(event.index);
        if (before === undefined) return [event];
        held.set(event.index, before + event.text);
        return [];
      }
      case "part_end": {
        const wrapped = held.get(event.index);
        held.delete(event.index);
        return wrapped === undefined ? [event] : [{ type: "part_delta", index: event.index, text: unwrapInput(wrapped) }, event];
      }
      default:
        return [event];
    }
  };
}
