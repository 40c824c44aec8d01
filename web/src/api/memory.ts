import { z } from "zod";
import { CursorParameter, limitParameter, page, Time } from "./common.ts";

/** One read or write of a memory file. Nothing records them yet, so the list is empty; its shape is already the one to rely on. */
export const MemoryAccess = z
  .object({
    path: z.string(),
    operation: z.enum(["read", "write"]),
    session_id: z.string(),
    agent_id: z.string(),
    span_id: z.string(),
    time: Time,
  })
  .meta({ id: "MemoryAccess" });
export const MemoryPage = page(MemoryAccess);
export const MemoryListParameters = z.object({
  session: z.string().max(500).optional(),
  path: z.string().max(1000).optional(),
  limit: limitParameter(100, 1000),
  cursor: CursorParameter,
});
