import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, page } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const Payload = z
  .object({
    direction: z.enum(["sent", "received"]),
    bytes: Count.meta({ description: "that went over the wire" }),
    is_truncated: z.boolean().meta({ description: "the end was not kept: it was beyond the limit" }),
    encoding: z.enum(["utf-8", "base64"]).meta({ description: "of `text`: base64 where the bytes are no UTF-8" }),
    text: z.string().meta({ description: "from `offset`; secrets are redacted" }),
    characters: Count.meta({ description: "of the whole text" }),
  })
  .meta({ id: "Payload", description: "the body of one attempt, as it was sent to a pool or received from it" });
export type Payload = z.infer<typeof Payload>;

export const PayloadPage = page(Payload);
export type PayloadPage = z.infer<typeof PayloadPage>;

export const PAYLOAD_CHARACTERS = 65_536;
export const PayloadListParameters = z.object({
  span_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/, "must be 16 lower-case hex digits")
    .meta({ description: "of an attempt" }),
  offset: z.coerce.number().int().min(0).max(1e9).default(0).meta({ description: "characters of each text to skip" }),
  limit: z.coerce.number().int().min(1).max(1_048_576).default(PAYLOAD_CHARACTERS).meta({ description: "characters of each text" }),
});
export type PayloadListParameters = z.infer<typeof PayloadListParameters>;

export const payloadsQuery = (id: string, spanId: string, limit: number) =>
  queryOptions({
    queryKey: ["payloads", id, spanId, limit],
    queryFn: async ({ signal }) => (await fetchJson(paths.api.payloads(id, { span_id: spanId, limit }), PayloadPage, signal)).data,
    gcTime: 60_000,
  });
