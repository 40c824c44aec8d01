import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, readSettings, SetupError } from "@signalbox/local";
import { type OwnPrice, ownPrices, PRICES, PRICES_FILE, type PriceRow, parseOwnPrices } from "@signalbox/otel/prices";
import { type Command, InvalidArgumentError } from "commander";
import { runWithDatabase } from "../run-with-database.ts";
import { createTerminal } from "../terminal.ts";

/** A part of its own: it is started, never imported. */
const PROGRAM = "../../../collector-processor/src/prices/main.ts";

const HELP = `
Prices are USD per million tokens. Your own come first; they are in prices.json of the state folder. The gateway follows that file, for
models whose pool has no price of its own in signalbox.config.yaml; so does the collector, for calls that did not go through the
gateway.
A call whose price is not known costs "unknown", never 0. Repricing leaves alone what an emitter or the gateway reported.

Examples:
  npx signalbox prices show claude
  npx signalbox prices set my-model --input 0.3 --output 1.2 --cache-read 0.03
  npx signalbox prices set 'gpt-5.6-terra*' --provider openai --until 2026-07-30 --input 2.5 --output 15
  npx signalbox prices explain 5fd1a2b3c4d5e6f7
  npx signalbox prices reprice --from 2026-11-01 --to 2026-11-21 --dry-run --json`;

export function addPrices(program: Command): void {
  const prices = program
    .command("prices")
    .summary("what models cost, and why a call cost what it did")
    .description("Show, set and explain prices, and price a period again.")
    .addHelpText("after", HELP);
  prices
    .command("show")
    .description("List the prices, your own first.")
    .argument("[text]", "only rows whose provider or pattern holds this")
    .option("--json", "print JSON")
    .action((text: string | undefined, { json }: { json?: boolean }) => show(text, json === true));
  prices
    .command("set")
    .description("Set a price of your own for a model; * stands for anything.")
    .argument("<model>", "the model's id, as the provider answers it")
    .requiredOption("--input <usd>", "a million input tokens", usd)
    .requiredOption("--output <usd>", "a million output tokens", usd)
    .option("--cache-read <usd>", "a million tokens read from the cache; default: as input", usd)
    .option("--cache-write <usd>", "a million tokens written to the cache; default: as input", usd)
    .option("--cache-write-1h <usd>", "the same, to live an hour; default: as --cache-write", usd)
    .option("--provider <name>", "only of this provider (gen_ai.provider.name)")
    .option("--from <date>", "from this day on, UTC")
    .option("--until <date>", "before this day, UTC")
    .option("--json", "print JSON")
    .action(set);
  prices
    .command("explain")
    .description("Say which row priced a model call, and the arithmetic.")
    .argument("<span>", "the span's id, or <trace id>:<span id>, which is found faster")
    .option("--json", "print JSON")
    .action((span: string, { json }: { json?: boolean }) => runProgram(["explain", span, ...(json ? ["--json"] : [])]));
  prices
    .command("reprice")
    .description("Price the calls of a period again, by the prices of now; totals follow.")
    .requiredOption("--from <time>", "calls that began at or after this")
    .requiredOption("--to <time>", "and before this")
    .option("--dry-run", "say what would change, and change nothing")
    .option("--json", "print JSON")
    .action(({ from, to, dryRun, json }: { from: string; to: string; dryRun?: boolean; json?: boolean }) =>
      runProgram(["reprice", "--from", from, "--to", to, ...(dryRun ? ["--dry-run"] : []), ...(json ? ["--json"] : [])]),
    );
}

function usd(text: string): number {
  const price = Number(text);
  if (text.trim() === "" || !(price >= 0 && price <= 1_000_000)) throw new InvalidArgumentError("USD per million tokens, such as 0.25.");
  return price;
}

function readOwn(file: string): OwnPrice[] {
  if (!existsSync(file)) return [];
  try {
    return parseOwnPrices(readFileSync(file, "utf8"), file);
  } catch (error) {
    throw new SetupError("prices", `${messageOf(error)}. Correct it or delete the file.`);
  }
}

const ownFile = () => join(readSettings(process.env).home, PRICES_FILE);

function show(text: string | undefined, json: boolean): void {
  const file = ownFile();
  const holds = (row: PriceRow) => text === undefined || `${row.provider} ${row.model.source}`.includes(text.toLowerCase());
  const rows = [...ownPrices(readOwn(file), file), ...PRICES].filter(holds);
  if (json) {
    process.stdout.write(`${JSON.stringify({ data: rows.map((row) => ({ ...row, model: row.model.source })) })}\n`);
    return;
  }
  const terminal = createTerminal(process.stdout);
  for (const row of rows) {
    const dates = row.from || row.until ? `  ${row.from ?? ""}…${row.until ?? ""}` : "";
    const cache = `cache read ${row.cacheRead ?? "as input"}, write ${row.cacheWrite ?? "as input"}`;
    terminal.line(`${row.provider.padEnd(14)} ${row.model.source}${dates}`);
    terminal.line(
      `    input ${row.input}, output ${row.output}, ${cache}${row.long ? `; other prices above ${row.long.above} tokens` : ""}`,
    );
    terminal.line(`    ${terminal.style("dim", `${row.source}, read ${row.read}`)}`);
  }
  if (rows.length > 0) terminal.line(`${rows.length} ${rows.length === 1 ? "price" : "prices"}, USD per million tokens`);
  else
    terminal.line(
      `No price has "${text}" in its provider or model. Set one: npx signalbox prices set <model> --input <usd> --output <usd>`,
    );
}

interface SetOptions {
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite?: number;
  cacheWrite1h?: number;
  provider?: string;
  from?: string;
  until?: string;
  json?: boolean;
}

/** An entry of the same model, provider and period is replaced. */
function set(model: string, options: SetOptions): void {
  const file = ownFile();
  const { provider, from, until } = options;
  const entry: OwnPrice = {
    model,
    ...(provider !== undefined && { provider }),
    ...(from !== undefined && { from }),
    ...(until !== undefined && { until }),
    input: options.input,
    output: options.output,
    ...(options.cacheRead !== undefined && { cache_read: options.cacheRead }),
    ...(options.cacheWrite !== undefined && { cache_write: options.cacheWrite }),
    ...(options.cacheWrite1h !== undefined && { cache_write_1h: options.cacheWrite1h }),
    set: new Date().toISOString().slice(0, 10),
  };
  const key = (price: OwnPrice) => JSON.stringify([price.model, price.provider, price.from, price.until]);
  const kept = readOwn(file).filter((price) => key(price) !== key(entry));
  const text = `${JSON.stringify({ prices: [...kept, entry] }, null, 2)}\n`;
  try {
    parseOwnPrices(text, "the new price");
  } catch (error) {
    throw new SetupError("prices", `${messageOf(error)}.`);
  }
  mkdirSync(readSettings(process.env).home, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  if (options.json) process.stdout.write(`${JSON.stringify({ file, price: entry })}\n`);
  else
    createTerminal(process.stdout).line(
      `Set in ${file}. A running gateway and collector take it at once; npx signalbox prices reprice changes the past.`,
    );
}

const runProgram = (args: readonly string[]) => runWithDatabase("prices", PROGRAM, args);
