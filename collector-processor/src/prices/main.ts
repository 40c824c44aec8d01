/** `node main.ts explain <span> | reprice --from … --to … [--dry-run]`, both with --json: what `signalbox prices` does with the database. */
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import postgres from "postgres";
import { configPath, readConfig } from "../config.ts";
import { explain } from "./explain.ts";
import { reprice } from "./reprice.ts";

const usd = (nanousd: bigint | number | string | null) => (nanousd === null ? "unknown" : `${(Number(nanousd) / 1e9).toFixed(6)} USD`);

function moment(text: string | undefined, option: string): Date {
  const time = new Date(text ?? "");
  if (text === undefined || Number.isNaN(time.getTime()))
    throw new Error(`--${option} must be a time as 2026-11-21 or 2026-11-21T10:00:00Z`);
  return time;
}

async function main(): Promise<string> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { from: { type: "string" }, to: { type: "string" }, "dry-run": { type: "boolean" }, json: { type: "boolean" } },
  });
  const [command, id = ""] = positionals;
  const home = process.env.SIGNALBOX_HOME || path.join(os.homedir(), ".signalbox");
  const { rows: prices } = readConfig(configPath(process.env, home), process.env, home).prices;
  if (!process.env.DATABASE_URL) throw new Error("DATABASE_URL is not set");
  const sql = postgres(process.env.DATABASE_URL, { max: 2, onnotice: () => {}, connection: { application_name: "signalbox prices" } });
  try {
    if (command === "explain") {
      const [, traceId, spanId] = /^(?:([0-9a-f]{32})[:/])?([0-9a-f]{16})$/i.exec(id) ?? [];
      if (spanId === undefined) throw new Error(`${id || "nothing"} is not a span's id: 16 hex digits, or <trace id>:<span id>`);
      const calls = await explain(sql, prices, spanId, traceId);
      if (calls.length === 0)
        throw new Error(`no model call has span id ${spanId}: another span of the trace may be the one that carries its cost`);
      if (values.json) return JSON.stringify({ data: calls });
      return calls
        .map((call) => {
          const lines = [
            `${call.model ?? "no model"} (${call.provider ?? "no provider"}) in session ${call.session_id}`,
            `  stored: ${usd(call.cost_nanousd)}, ${call.cost_source}`,
            `  by the prices of now: ${usd(call.priced_nanousd)}`,
            ...call.why.map((line) => `    ${line}`),
            ...(call.source === null ? [] : [`  source: ${call.source}, read ${call.read}`]),
          ];
          return lines.join("\n");
        })
        .join("\n\n");
    }
    if (command !== "reprice") throw new Error("explain or reprice");
    const period = { from: moment(values.from, "from"), to: moment(values.to, "to") };
    if (period.from >= period.to) throw new Error("--from must be before --to");
    const dryRun = values["dry-run"] === true;
    const { costBefore, costAfter, ...counts } = await reprice(sql, prices, period, dryRun);
    if (values.json) {
      return JSON.stringify({
        dry_run: dryRun,
        calls: counts.calls,
        changed: counts.changed,
        unknown_before: counts.unknownBefore,
        unknown_after: counts.unknownAfter,
        cost_before_nanousd: String(costBefore),
        cost_after_nanousd: String(costAfter),
      });
    }
    return [
      `${counts.calls} calls looked at, ${counts.changed} ${dryRun ? "would change" : "changed"}`,
      `cost: ${usd(costBefore)} → ${usd(costAfter)}`,
      `unknown: ${counts.unknownBefore} → ${counts.unknownAfter} calls`,
    ].join("\n");
  } finally {
    await sql.end();
  }
}

main().then(
  (text) => process.stdout.write(`${text}\n`),
  (error: Error) => {
    if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify({ error: { code: "prices", message: error.message } })}\n`);
    else process.stderr.write(`signalbox: ${error.message}\n`);
    process.exitCode = 1;
  },
);
