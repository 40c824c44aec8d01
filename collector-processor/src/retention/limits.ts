import type { RetentionSettings } from "./retention-config.ts";

export const DAY_MS = 86_400_000;

/** What is kept for a time of its own; `sessions` are the rows of sessions and agents. */
export const KINDS = ["content", "payloads", "spans", "rollups", "sessions"] as const;
export type Kind = (typeof KINDS)[number];

/** Days; Infinity: for ever. */
export type KeptDays = Record<Kind, number>;

/** How long each kind is kept: of the projects that differ, and of all others. */
export interface RetentionLimits {
  others: KeptDays;
  projects: ReadonlyMap<string, KeptDays>;
}

type Said = number | "forever";
const inDays = (said: Said) => (said === "forever" ? Number.POSITIVE_INFINITY : said);

export function retentionLimits(settings: RetentionSettings): RetentionLimits {
  const { content_days, payload_days, span_days, rollup_days, projects } = settings;
  const others = { content_days, payload_days, span_days, rollup_days };
  return {
    others: keptDays(others),
    projects: new Map(Object.entries(projects).map(([project, own]) => [project, keptDays({ ...others, ...defined(own) })])),
  };
}

function keptDays(said: { content_days: Said; payload_days: Said; span_days: Said; rollup_days: Said }): KeptDays {
  const spans = inDays(said.span_days);
  const rollups = inDays(said.rollup_days);
  return {
    // of spans that are gone nobody finds them
    content: Math.min(inDays(said.content_days), spans),
    payloads: Math.min(inDays(said.payload_days), spans),
    spans,
    rollups,
    sessions: Math.max(rollups, spans),
  };
}

const defined = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]: Exclude<T[Name], undefined>;
  };

/** What began before is too old, by project: milliseconds since 1970; -Infinity: nothing is. */
export interface Cutoffs {
  others: number;
  projects: ReadonlyMap<string, number>;
  /** Of all of them the latest: what began after it is too old nowhere. */
  latest: number;
}

/** Of spans the cutoff is a midnight: they go by whole days. */
export function cutoffs({ others, projects }: RetentionLimits, kind: Kind, now: number): Cutoffs {
  const before = (kept: KeptDays) => {
    const cutoff = now - kept[kind] * DAY_MS;
    return kind === "spans" ? Math.floor(cutoff / DAY_MS) * DAY_MS : cutoff;
  };
  const ofProjects = new Map([...projects].map(([project, kept]) => [project, before(kept)]));
  return { others: before(others), projects: ofProjects, latest: Math.max(before(others), ...ofProjects.values()) };
}

export const cutoffOf = ({ others, projects }: Cutoffs, project: string): number => projects.get(project) ?? others;

/** The first three parameters of the statements in sql/retention.ts. */
export function asParameters({ others, projects, latest }: Cutoffs): [string, string, string] {
  const ofProjects = Object.fromEntries([...projects].map(([project, cutoff]) => [project, timeOf(cutoff)]));
  return [JSON.stringify(ofProjects), timeOf(others), timeOf(latest)];
}

const timeOf = (milliseconds: number): string => (Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString() : "-infinity");
