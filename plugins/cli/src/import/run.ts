import { Attribute, Operation } from "@signalbox/otel/conventions";
import type { HistorySource } from "@signalbox/otel/history";
import type { SpanRecord } from "@signalbox/otel/provider";

/** What was found in the files, whether or not it was there already. */
export interface ImportResult {
  files: number;
  bytes: number;
  /** Root sessions. */
  sessions: number;
  turns: number;
  calls: number;
  tool_calls: number;
  input_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  malformed_lines: number;
  /** The first of them, as `file:line: why`. */
  malformed: string[];
}

export interface ImportOptions {
  /** Milliseconds since the epoch: what ended before is left out. */
  sinceMs: number;
  content: boolean;
  /** Left out: nothing is sent. */
  send?: (span: SpanRecord) => Promise<void>;
  onProgress?: (result: Readonly<ImportResult>) => void;
}

const MAX_NAMED = 20;

/** Reads history file by file and hands its spans on. Memory is that of one turn, and 36 bytes a session. */
export async function importHistory(sources: AsyncIterable<HistorySource>, options: ImportOptions): Promise<ImportResult> {
  const result: ImportResult = {
    files: 0,
    bytes: 0,
    sessions: 0,
    turns: 0,
    calls: 0,
    tool_calls: 0,
    input_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    malformed_lines: 0,
    malformed: [],
  };
  const sessions = new Set<string>();

  const malformed = (place: string, reason: string) => {
    result.malformed_lines++;
    if (result.malformed.length < MAX_NAMED) result.malformed.push(`${place}: ${reason}`);
  };

  for await (const source of sources) {
    if (source.modifiedMs < options.sinceMs) continue;
    try {
      for await (const item of source.read({ content: options.content && options.send !== undefined })) {
        if ("malformed" in item) malformed(`${source.path}:${item.malformed.line}`, item.malformed.reason);
        else {
          for (const span of item.spans) {
            if (span.endMs < options.sinceMs) continue;
            tally(result, sessions, span);
            await options.send?.(span);
          }
        }
      }
    } catch (error) {
      // one file that cannot be read is not the end of the others; what is wrong with the collector is
      if (error instanceof Error && "code" in error && error.name !== "SetupError") malformed(source.path, error.message);
      else throw error;
    }
    result.files++;
    result.bytes += source.bytes;
    result.sessions = sessions.size;
    options.onProgress?.(result);
  }
  return result;
}

function tally(result: ImportResult, sessions: Set<string>, { attributes }: SpanRecord): void {
  const number = (name: string) => Number(attributes[name] ?? 0);
  sessions.add(String(attributes[Attribute.sessionId]));
  const operation = attributes[Attribute.operation];
  if (operation === Operation.invokeAgent) result.turns++;
  else if (operation === Operation.executeTool) result.tool_calls++;
  else if (operation === Operation.chat) {
    result.calls++;
    result.input_tokens += number(Attribute.inputTokens);
    result.cache_read_tokens += number(Attribute.cacheReadTokens);
    result.cache_write_tokens += number(Attribute.cacheWriteTokens);
    result.output_tokens += number(Attribute.outputTokens);
  }
}
