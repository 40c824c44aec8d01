import { z } from "zod";
import { CursorParameter, Hex, limitParameter, NullableText, page, Time } from "./common.ts";

/** One read or write of a file that an agent keeps its memory in. */
export const MemoryAccess = z
  .object({
    path: z.string(),
    operation: z.enum(["read", "write"]),
    session_id: z.string(),
    agent_id: z.string(),
    span_id: Hex,
    time: Time,
    lines: NullableText.meta({ description: "of a read: `from-to`; null: the whole file" }),
    diff: NullableText.meta({
      description: "of a write: its lines, `-` before and `+` after; null where it is not told or content is not kept",
    }),
  })
  .meta({ id: "MemoryAccess" });
export const MemoryPage = page(MemoryAccess);
export type MemoryPage = z.infer<typeof MemoryPage>;
export const MemoryListParameters = z.object({
  session: z.string().max(500).optional(),
  path: z.string().max(1000).optional(),
  limit: limitParameter(100, 1000),
  cursor: CursorParameter,
});
export type MemoryListParameters = z.infer<typeof MemoryListParameters>;
