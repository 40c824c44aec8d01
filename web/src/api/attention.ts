import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, page, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const AttentionItem = z
  .object({
    kind: z.enum(["alert", "runaway", "errors", "unknown_cost", "sla_missed", "export"]),
    session_id: z.string().nullable(),
    label: z.string().meta({ description: "the session's agent, the model, route or export spoken of, or what an alert says" }),
    count: Count.meta({ description: "sub-agents, errors, calls; of an export the spans that wait or were dropped" }),
    of: Count.nullable().meta({ description: "out of how many calls, where that says something" }),
    detail: z.string().nullable(),
    time: Time,
  })
  .meta({ id: "AttentionItem", description: "something of the last 24 hours that a person should look at" });
export type AttentionItem = z.infer<typeof AttentionItem>;

export const AttentionPage = page(AttentionItem);
export type AttentionPage = z.infer<typeof AttentionPage>;

export const attentionQuery = () =>
  queryOptions({ queryKey: ["attention"], queryFn: ({ signal }) => fetchJson(paths.api.attention(), AttentionPage, signal) });
