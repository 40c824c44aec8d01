import { z } from "zod";
import { CursorParameter, limitParameter, page, Time } from "./common.ts";

/** A rule that fired. There are no rules yet, so the list is empty; its shape is already the one to rely on. */
export const Alert = z
  .object({
    alert_id: z.string(),
    rule: z.string(),
    session_id: z.string().nullable(),
    time: Time,
    state: z.enum(["firing", "resolved", "acknowledged"]),
    message: z.string(),
  })
  .meta({ id: "Alert" });
export const AlertPage = page(Alert);
export const AlertListParameters = z.object({ limit: limitParameter(100, 1000), cursor: CursorParameter });
