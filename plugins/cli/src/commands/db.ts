import type { Command } from "commander";
import { runWithDatabase } from "../run-with-database.ts";

/** A part of its own: it is started, never imported. */
const PROGRAM = "../../../collector-processor/src/retention/main.ts";

const HELP = `
How long each kind is kept is collector.retention in signalbox.config.yaml, and collector.payload_days for bodies of calls. The collector
deletes what is too old by itself, once a day. Rollups, sessions and agents stay as they are when their spans go.

Examples:
  npx signalbox db status
  npx signalbox db retain --dry-run
  npx signalbox db archive --to ./archive --from 2026-11-01 --until 2026-12-01`;

export function addDb(program: Command): void {
  const db = program
    .command("db")
    .summary("what is stored, how long it is kept, and an archive of it")
    .description("Show what is stored, delete what is too old, and write spans to Parquet files.")
    .addHelpText("after", HELP);
  db.command("status")
    .description("Say how large each kind is, and how long it is kept.")
    .option("--json", "print JSON")
    .action(({ json }: { json?: boolean }) => run(["status"], json));
  db.command("retain")
    .description("Delete what is too old now, without waiting for the hour.")
    .option("--dry-run", "say what would go, and delete nothing")
    .option("--json", "print JSON")
    .action(({ dryRun, json }: { dryRun?: boolean; json?: boolean }) => run(["retain", ...(dryRun ? ["--dry-run"] : [])], json));
  db.command("archive")
    .description("Write spans to Parquet files, one a project and day; deletes nothing.")
    .requiredOption("--to <folder>", "where to")
    .option("--from <day>", "from this day on, UTC, as 2026-11-01")
    .option("--until <day>", "before this day, UTC")
    .option("--json", "print JSON")
    .action(({ to, from, until, json }: { to: string; from?: string; until?: string; json?: boolean }) =>
      run(["archive", "--to", to, ...(from ? ["--from", from] : []), ...(until ? ["--until", until] : [])], json),
    );
}

const run = (args: readonly string[], json = false) => runWithDatabase("db", PROGRAM, [...args, ...(json ? ["--json"] : [])]);
