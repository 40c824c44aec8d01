import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import type { Payload, PayloadListParameters, PayloadPage } from "../api/payload.ts";
import type { StepListParameters, StepPage } from "../api/step.ts";
import type { StepContentPage, StepContentParameters } from "../api/step-content.ts";
import { toStepContents } from "../model/step-content.ts";
import { toStep } from "../model/to-api.ts";
import { listPayloads, type PayloadRow } from "../queries/list-payloads.ts";
import { listStepContent, listToolContent } from "../queries/list-step-content.ts";
import { listSteps } from "../queries/list-steps.ts";
import { read } from "../server/database.ts";
import { parseSpanCursor, resolveExisting, spanCursor } from "./session-parts.ts";

const decompress = promisify(zstdDecompress);
/** The collector keeps no larger body; what says that it is larger is not believed. */
const MAX_BODY_BYTES = 64 << 20;

export async function loadSteps(id: string, { limit, cursor }: StepListParameters): Promise<StepPage> {
  const after = parseSpanCursor(cursor);
  return read(async (sql) => {
    const { members } = await resolveExisting(sql, id);
    const rows = await listSteps(sql, members, { limit, cursor: after });
    const page = rows.slice(0, limit);
    return { data: page.map(toStep), next: rows.length > page.length ? spanCursor(page.at(-1)) : null };
  });
}

/** Spans that the session has not, or that said nothing, have no messages. */
export async function loadStepContent(id: string, { spans, from, to, characters }: StepContentParameters): Promise<StepContentPage> {
  const window = { spanIds: spans.split(","), from: toMicrosecond(from), to: toMicrosecond(to) };
  return read(async (sql) => {
    const { members } = await resolveExisting(sql, id);
    const [said, tools] = await Promise.all([listStepContent(sql, members, window), listToolContent(sql, members, window)]);
    return { data: toStepContents(window.spanIds, said, tools, characters), next: null };
  });
}

/** Stored times are cut to the microsecond, and Postgres would round. */
const toMicrosecond = (time: string): string => time.replace(/(\.\d{6})\d*Z$/, "$1Z");

export async function loadPayloads(id: string, parameters: PayloadListParameters): Promise<PayloadPage> {
  const rows = await read(async (sql) => {
    const { members } = await resolveExisting(sql, id);
    return listPayloads(sql, members, parameters.span_id);
  });
  return { data: await Promise.all(rows.map((row) => toPayload(row, parameters))), next: null };
}

async function toPayload(row: PayloadRow, { offset, limit }: PayloadListParameters): Promise<Payload> {
  const body = await decompress(row.body, { maxOutputLength: MAX_BODY_BYTES });
  const { encoding, text } = asText(body, row.is_truncated);
  return {
    direction: row.direction,
    bytes: Number(row.bytes),
    is_truncated: row.is_truncated,
    encoding,
    text: text.slice(offset, offset + limit),
    characters: text.length,
  };
}

/** A body that was cut may end within a character. */
function asText(body: Buffer, isTruncated: boolean): { encoding: Payload["encoding"]; text: string } {
  try {
    return { encoding: "utf-8", text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body, { stream: isTruncated }) };
  } catch {
    return { encoding: "base64", text: body.toString("base64") };
  }
}
