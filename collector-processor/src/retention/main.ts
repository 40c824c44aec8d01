/** `node main.ts status | retain [--dry-run] | archive --to <folder> [--from <day>] [--until <day>]`, all with --json: what `signalbox db` does. */
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { configPath, readConfig } from "../config.ts";
import { type Connection, connect } from "../exporters/postgres-connection.ts";
import { SIZES } from "../sql/retention.ts";
import { archiveSpans } from "./archive-spans.ts";
import { type Expired, expire, wouldExpire } from "./expire.ts";
import { type KeptDays, type RetentionLimits, retentionLimits } from "./limits.ts";
import { type SpanTable, spanTables } from "./span-tables.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "dry-run": { type: "boolean" },
    to: { type: "string" },
    from: { type: "string" },
    until: { type: "string" },
    json: { type: "boolean" },
  },
});

const NO_TABLE = "42P01";

/** An answer for programs, and the same in words. */
interface Answer {
  data: object;
  text: string[];
}

const bytesText = (bytes: number): string => {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
};
const daysText = (days: number) => (Number.isFinite(days) ? `${days} days` : "for ever");

async function status(connection: Connection, limits: RetentionLimits): Promise<Answer> {
  const sizes = await connection.query<{ kind: keyof KeptDays; bytes: string | null; rows: string | null }>(SIZES);
  const days = (await spanTables(connection)).filter((table) => table.day !== null);
  const kinds = sizes.map(({ kind, bytes, rows }) => ({ kind, bytes: Number(bytes), rows: Number(rows), kept: limits.others[kind] }));
  const projects = [...limits.projects].map(([project, kept]) => ({ project, kept }));
  const first = days[0]?.day ?? null;
  return {
    data: {
      kinds: kinds.map(({ kept, ...kind }) => ({ ...kind, kept_days: finite(kept) })),
      projects: projects.map(({ project, kept }) => ({ project, kept_days: mapValues(kept, finite) })),
      span_days: days.length,
      first_span_day: first,
    },
    text: [
      ...kinds.map(
        ({ kind, bytes, rows, kept }) => `${kind.padEnd(9)} ${bytesText(bytes).padStart(10)}  about ${rows} rows, kept ${daysText(kept)}`,
      ),
      `spans are in ${days.length} tables, one a day${first === null ? "" : `, the first ${first}`}`,
      ...projects.map(
        ({ project, kept }) =>
          `project ${project}: ${Object.entries(kept)
            .map(([kind, days]) => `${kind} ${daysText(days)}`)
            .join(", ")}`,
      ),
    ],
  };
}

const finite = (days: number) => (Number.isFinite(days) ? days : null);
const mapValues = <T>(record: Record<string, number>, work: (value: number) => T) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, work(value)]));

async function retain(connection: Connection, limits: RetentionLimits, archiveDir: string | undefined): Promise<Answer> {
  const dryRun = values["dry-run"] === true;
  const now = Date.now();
  const expired = dryRun ? await wouldExpire(connection, limits, now) : await expire(connection, { limits, now, archiveDir });
  return { data: { dry_run: dryRun, ...expired }, text: expiredText(expired, dryRun) };
}

function expiredText({ days, files, ...rows }: Expired, dryRun: boolean): string[] {
  const verb = dryRun ? "would go" : "went";
  return [
    ...Object.entries(rows).map(([kind, count]) => `${kind}: ${count} rows ${verb}`),
    `whole days of spans that ${verb}: ${days.join(", ") || "none"}`,
    ...files.map((file) => `archived to ${file}`),
  ];
}

/** Copies spans of whole days out of the database, and deletes nothing. */
async function archive(connection: Connection): Promise<Answer> {
  if (!values.to) throw new Error("--to must be a folder");
  const [from, until] = [day(values.from, "from") ?? Number.NEGATIVE_INFINITY, day(values.until, "until") ?? Number.POSITIVE_INFINITY];
  const chosen = (table: SpanTable) => table.from >= from && table.to <= until;
  const files: string[] = [];
  for (const table of (await spanTables(connection)).filter(chosen)) {
    await connection.run("begin read only");
    files.push(...(await archiveSpans(connection, table, { dir: values.to })));
    await connection.run("commit");
  }
  return { data: { files }, text: files.length === 0 ? ["no spans on those days"] : files.map((file) => `archived to ${file}`) };
}

function day(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text))) throw new Error(`--${option} must be a day as 2026-11-21`);
  return Date.parse(text);
}

async function main(): Promise<Answer> {
  const home = process.env.SIGNALBOX_HOME || path.join(os.homedir(), ".signalbox");
  const { limits } = readConfig(configPath(process.env, home), process.env, home);
  if (!process.env.DATABASE_URL) throw new Error("DATABASE_URL is not set");
  const kept = retentionLimits({ ...limits.retention, payload_days: limits.payload_days });
  const connection = await connect(process.env.DATABASE_URL);
  try {
    const [command] = positionals;
    if (command === "status") return await status(connection, kept);
    if (command === "retain") return await retain(connection, kept, limits.retention.archive_dir);
    if (command === "archive") return await archive(connection);
    throw new Error("status, retain or archive");
  } finally {
    await connection.close();
  }
}

main().then(
  ({ data, text }) => process.stdout.write(`${values.json ? JSON.stringify(data) : text.join("\n")}\n`),
  (error: Error & { code?: string }) => {
    const message = error.code === NO_TABLE ? "the database has no tables of Signalbox yet: start it once (npm start)" : error.message;
    if (values.json) process.stdout.write(`${JSON.stringify({ error: { code: "db", message } })}\n`);
    else process.stderr.write(`signalbox: ${message}\n`);
    process.exitCode = 1;
  },
);
