import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, CursorParameter, limitParameter, NullableText, page, Time } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

const Usd = z.number().meta({ description: "USD per million tokens" });
export const ListedPrice = z
  .object({
    provider: z.string().meta({ description: "`*`: whoever serves the model" }),
    model: z.string().meta({ description: "a regular expression on the model's id" }),
    from: NullableText.meta({ description: "the first day of it, UTC" }),
    until: NullableText.meta({ description: "the first day on which it is no more" }),
    input: Usd,
    output: Usd,
    cache_read: Usd.nullable().meta({ description: "null: as input" }),
    cache_write: Usd.nullable().meta({ description: "null: as input" }),
    source: z.string(),
    read: z.string().meta({ description: "the day on which the source was read" }),
    own: z.boolean().meta({ description: "the user's own: it comes before the published ones" }),
  })
  .meta({ id: "Price" });
export type ListedPrice = z.infer<typeof ListedPrice>;

/** How a destination stands, since the collector started. */
export const DestinationStatus = z.object({
  name: z.string(),
  state: z
    .enum(["ok", "retrying", "down"])
    .meta({ description: "down: it failed so often that one push at a time asks whether it is back" }),
  queued_spans: Count,
  queued_bytes: Count,
  sent_spans: Count,
  dropped_spans: z.record(z.string(), Count).meta({ description: "by reason: queue_full, refused, rejected, shutdown" }),
  last_sent: Time.nullable(),
  last_failure: z.object({ at: Time, reason: z.string() }).nullable(),
});
export type DestinationStatus = z.infer<typeof DestinationStatus>;
export const droppedOf = ({ dropped_spans }: DestinationStatus): number =>
  Object.values(dropped_spans).reduce((sum, count) => sum + count, 0);

export const Destination = DestinationStatus.extend({
  url: z.string(),
  content: z.boolean().meta({ description: "prompts and results go there, too" }),
  sampling: z.number().meta({ description: "the share of traces that is sent" }),
  projects: z.array(z.string()).meta({ description: "only these; empty: all" }),
}).meta({ id: "Destination" });
export type Destination = z.infer<typeof Destination>;

const Days = Count.nullable();
const KeptDays = z.object({
  content_days: Days.meta({ description: "prompts and results; null: for ever, as in each of these" }),
  payload_days: Days.meta({ description: "bodies of calls" }),
  span_days: Days,
  rollup_days: Days.meta({ description: "totals by hour" }),
});

export const Settings = z
  .object({
    config_keys: z
      .array(z.object({ name: z.string(), project: NullableText }))
      .meta({ description: "of the config file, and the admin token" }),
    default_project: z.string().meta({ description: "of spans that name none" }),
    keeps_content: z.boolean().meta({ description: "prompts and results are stored" }),
    retention: z.object({
      others: KeptDays.meta({ description: "of all projects but those that differ" }),
      projects: z.array(KeptDays.extend({ project: z.string() })).meta({ description: "those that differ" }),
      archives_spans: z.boolean().meta({ description: "spans are written to files before they go" }),
    }),
    prices: z.array(ListedPrice),
    destinations: z.array(Destination),
  })
  .meta({ id: "Settings", description: "what the collector that answers runs with" });
export type Settings = z.infer<typeof Settings>;

export const KEY_PURPOSES = ["agents", "read"] as const;
export const ApiKey = z
  .object({
    key_id: z.string(),
    name: z.string(),
    purpose: z.enum(KEY_PURPOSES).meta({ description: "agents: OTLP and the model endpoints; read: this API" }),
    project: NullableText.meta({ description: "null: every project" }),
    hint: z.string().meta({ description: "its last characters" }),
    created: Time,
    revoked: Time.nullable(),
  })
  .meta({ id: "ApiKey", description: "a key made in the dashboard; the key itself was in the answer that made it, once" });
export type ApiKey = z.infer<typeof ApiKey>;
export const ApiKeyPage = page(ApiKey);
export type ApiKeyPage = z.infer<typeof ApiKeyPage>;

export const Project = z
  .object({
    project: z.string(),
    sessions: Count,
    last_time: Time.nullable(),
    members: z.array(z.object({ account: z.string(), role: z.enum(["owner", "member", "viewer"]) })),
  })
  .meta({ id: "Project" });
export type Project = z.infer<typeof Project>;
export const ProjectPage = page(Project);
export type ProjectPage = z.infer<typeof ProjectPage>;
export const SettingsListParameters = z.object({ limit: limitParameter(200, 1000), cursor: CursorParameter });
export type SettingsListParameters = z.infer<typeof SettingsListParameters>;

export const KeyRequest = z.strictObject({
  name: z.string().trim().min(1).max(100),
  purpose: z.enum(KEY_PURPOSES),
  project: z.string().trim().min(1).max(100).nullable().optional(),
});
export type KeyRequest = z.infer<typeof KeyRequest>;
export const KeyMade = z.object({ key_id: z.string(), key: z.string().meta({ description: "it is not told again" }) });
export const TestSpanSent = z.object({ delivered: z.boolean(), trace_id: z.string(), error: NullableText });
const Nothing = z.object({});

export const settingsQuery = () =>
  queryOptions({ queryKey: ["settings", "facts"], queryFn: ({ signal }) => fetchJson(paths.api.settings(), Settings, signal) });
export const keysQuery = () =>
  queryOptions({ queryKey: ["settings", "keys"], queryFn: ({ signal }) => fetchJson(paths.api.keys(), ApiKeyPage, signal) });
export const projectsQuery = () =>
  queryOptions({ queryKey: ["settings", "projects"], queryFn: ({ signal }) => fetchJson(paths.api.projects(), ProjectPage, signal) });

export const postKey = (request: KeyRequest) => fetchJson(paths.api.keys(), KeyMade, undefined, request);
export const postKeyRevoke = (id: string) => fetchJson(paths.api.keyRevoke(id), Nothing, undefined, {});
export const postTestSpan = (name: string) => fetchJson(paths.api.testSpan(name), TestSpanSent, undefined, {});
