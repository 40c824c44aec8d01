import type { PriceRow } from "@signalbox/otel/prices";
import type { CollectorConfig } from "../config.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import { fanOutStatus } from "../fan-out/status.ts";
import { Refusal } from "../receivers/http-body.ts";
import type { KeptDays, RetentionLimits } from "../retention/limits.ts";
import type { ControlRoutes } from "./control-api.ts";

/** What this collector runs with, for people: secrets are named, never told. */
export function settingsRoutes(config: CollectorConfig, kept: RetentionLimits, outlets: FanOut): ControlRoutes {
  const { limits } = config;
  const facts = () => ({
    config_keys: config.keys.map(({ name, project }) => ({ name, project })),
    default_project: limits.default_project,
    keeps_content: limits.content,
    retention: {
      others: daysOf(kept.others),
      projects: [...kept.projects].map(([project, days]) => ({ project, ...daysOf(days) })),
      archives_spans: limits.retention.archive_dir !== undefined,
    },
    prices: config.prices.rows.map(priceOf),
    destinations: fanOutStatus(outlets.destinations).flatMap((status) => {
      const configured = config.fanOut.find(({ name }) => name === status.name);
      if (configured === undefined) return [];
      const { url, content, sampling, only } = configured;
      return {
        ...status,
        // a password in the address stays here
        url: new URL(url).origin + new URL(url).pathname,
        content,
        sampling,
        projects: only.projects,
      };
    }),
  });
  return [
    [/^settings$/, async () => facts()],
    [
      /^fan-out\/([^/]+)\/test$/,
      async (_connection, _body, name) => {
        const result = await outlets.sendTestSpan(name);
        if (result === undefined) throw new Refusal(404, `there is no destination ${name}`);
        return result;
      },
    ],
  ];
}

/** null: for ever */
function daysOf({ content, payloads, spans, rollups }: KeptDays) {
  const orNull = (days: number) => (Number.isFinite(days) ? days : null);
  return { content_days: orNull(content), payload_days: orNull(payloads), span_days: orNull(spans), rollup_days: orNull(rollups) };
}

/** USD per million tokens; null: as input. */
const priceOf = ({ provider, model, from, until, input, output, cacheRead, cacheWrite, source, read, own }: PriceRow) => ({
  provider,
  model: model.source,
  from: from ?? null,
  until: until ?? null,
  input,
  output,
  cache_read: cacheRead ?? null,
  cache_write: cacheWrite ?? null,
  source,
  read,
  own: own === true,
});
