import type { HistorySource } from "@signalbox/otel/history";
import type { Terminal } from "../terminal.ts";
import { type ImportResult, importHistory } from "./run.ts";
import { spanSender } from "./send.ts";

export interface HistoryImport {
  /** The agent's, for people. */
  title: string;
  sources: AsyncIterable<HistorySource>;
  terminal: Terminal;
  sinceMs: number;
  content: boolean;
  /** Where spans go; absent: nowhere. */
  otlp?: string;
}

/** One agent's history, with a line that says how far it is. @throws SetupError where the collector does not take it */
export async function historyOf({ title, sources, terminal, sinceMs, content, otlp }: HistoryImport): Promise<ImportResult> {
  const step = terminal.begin(title, "looking for history");
  const sender = otlp === undefined ? undefined : spanSender(otlp, process.env.SIGNALBOX_KEY || undefined);
  try {
    const result = await importHistory(sources, {
      sinceMs,
      content,
      ...(sender && { send: sender.add }),
      onProgress: (sofar) => step.update(describe(sofar)),
    });
    await sender?.end();
    step.done(result.files === 0 ? "no history found" : describe(result));
    return result;
  } catch (error) {
    step.cancel();
    throw error;
  }
}

const number = new Intl.NumberFormat("en-US");

/** `1,204 files, 318 sessions, 12,000 calls, 81.2M tokens` */
export function describe({ files, sessions, calls, input_tokens, output_tokens }: Readonly<ImportResult>): string {
  const tokens = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(input_tokens + output_tokens);
  const counted = (count: number, what: string) => `${number.format(count)} ${what}${count === 1 ? "" : "s"}`;
  return `${counted(files, "file")}, ${counted(sessions, "session")}, ${counted(calls, "call")}, ${tokens} tokens`;
}
