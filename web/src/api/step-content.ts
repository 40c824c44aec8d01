import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, Hex, NullableText, page, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const ContentPart = z
  .object({
    type: z.string().meta({ description: "text, reasoning, tool_call, tool_call_response, or what the emitter called it" }),
    name: NullableText.meta({ description: "of a tool" }),
    text: z.string().meta({ description: "as it was said, perhaps cut; hostile input: plain text, never markup" }),
    characters: Count.meta({ description: "of the whole text" }),
  })
  .meta({ id: "ContentPart" });
export type ContentPart = z.infer<typeof ContentPart>;

export const ContentMessage = z
  .object({ direction: z.enum(["system", "input", "output"]), role: z.string(), parts: z.array(ContentPart) })
  .meta({ id: "ContentMessage" });
export type ContentMessage = z.infer<typeof ContentMessage>;

export const StepContent = z
  .object({
    span_id: Hex,
    messages: z.array(ContentMessage),
    earlier_messages: Count.meta({ description: "of the input, before those given: the conversation so far" }),
  })
  .meta({ id: "StepContent", description: "what was said in one step" });
export type StepContent = z.infer<typeof StepContent>;

export const StepContentPage = page(StepContent);
export type StepContentPage = z.infer<typeof StepContentPage>;

export const MAX_CONTENT_STEPS = 50;
export const StepContentParameters = z.object({
  spans: z
    .string()
    .regex(/^[0-9a-f]{16}(,[0-9a-f]{16}){0,49}$/, `must be 1 to ${MAX_CONTENT_STEPS} span ids of 16 lower-case hex digits, comma-separated`)
    .meta({ description: "comma-separated span ids, at most 50" }),
  from: Time.pipe(z.iso.datetime()).meta({ description: "start time of the first of these spans" }),
  to: Time.pipe(z.iso.datetime()).meta({ description: "start time of the last of these spans" }),
  characters: z.coerce.number().int().min(1).max(200_000).default(20_000).meta({ description: "of each part; the rest is cut" }),
});
export type StepContentParameters = z.infer<typeof StepContentParameters>;

interface StepKey {
  span_id: string;
  start_time: string;
}

/** `steps` in the order of their start. `characters` of each part. */
export const stepContentQuery = (id: string, steps: readonly StepKey[], characters: number) =>
  queryOptions({
    queryKey: ["content", id, characters, steps[0]?.span_id, steps.length],
    queryFn: async ({ signal }) => {
      const spans = steps.map((step) => step.span_id).join(",");
      const address = paths.api.content(id, { spans, from: steps[0]?.start_time, to: steps.at(-1)?.start_time, characters });
      return (await fetchJson(address, StepContentPage, signal)).data;
    },
    enabled: steps.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    // what was scrolled past is read again rather than kept
    gcTime: 60_000,
  });
