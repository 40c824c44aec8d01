import { createReadStream } from "node:fs";
import { createZstdDecompress } from "node:zlib";
import type { SpanRecord } from "../provider.ts";

/** A file of history, or what stands for one. */
export interface HistorySource {
  path: string;
  /** Milliseconds since the epoch. */
  modifiedMs: number;
  bytes: number;
  /** Streams it; what cannot be read is named and left out. */
  read(options: { content: boolean }): AsyncIterable<HistoryItem>;
}

export type HistoryItem = { spans: SpanRecord[] } | { malformed: { line: number; reason: string } };

/** Takes the entries of one file in their order. */
export interface HistoryReader {
  /** @throws where the entry is not what it says it is; the next one may be fine */
  entry(value: unknown): SpanRecord[];
  end(): SpanRecord[];
}

/** Characters of one line; what is longer is named as malformed, and never held whole. */
const MAX_LINE_CHARACTERS = 64 * 1024 * 1024;

/** Reads a file of JSON lines (`.zst`: compressed) with bounded memory. A last line that is still being written is left out in silence. */
export async function* readJsonLines(path: string, reader: HistoryReader): AsyncGenerator<HistoryItem> {
  let line = 0;
  for await (const text of linesOf(path)) {
    line++;
    if (text === null) yield { malformed: { line, reason: `longer than ${MAX_LINE_CHARACTERS} characters` } };
    else if (text.trim() !== "") yield readEntry(text, line, reader);
  }
  yield { spans: reader.end() };
}

export function readEntry(text: string, line: number, reader: HistoryReader): HistoryItem {
  try {
    return { spans: reader.entry(JSON.parse(text)) };
  } catch (error) {
    return { malformed: { line, reason: error instanceof SyntaxError ? "not JSON" : (error as Error).message } };
  }
}

/** null stands for a line that is too long. */
async function* linesOf(path: string): AsyncGenerator<string | null> {
  const file = createReadStream(path);
  const bytes = path.endsWith(".zst") ? file.pipe(createZstdDecompress()) : file;
  bytes.setEncoding("utf8");
  let rest = "";
  let tooLong = false;
  for await (const chunk of bytes as AsyncIterable<string>) {
    const pieces = chunk.split("\n");
    for (const piece of pieces.slice(0, -1)) {
      yield tooLong ? null : rest + piece;
      rest = "";
      tooLong = false;
    }
    if (tooLong) continue;
    rest += pieces.at(-1) ?? "";
    if (rest.length > MAX_LINE_CHARACTERS) {
      tooLong = true;
      rest = "";
    }
  }
  if (tooLong) yield null;
  else if (rest !== "") yield rest;
}
