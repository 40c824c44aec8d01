import { expect, test } from "vitest";
import { emptyDraft } from "../span-batch.ts";
import { countedSpans } from "./copy-reader.ts";
import { COUNTED_COLUMNS } from "./counter-rows.ts";
import { encodeBatch } from "./encode-batch.ts";

test("what is counted of a span is read from its row as it was written", async () => {
  const silent = emptyDraft();
  Object.assign(silent.row, { session_id: "", start_time: 1, trace_id: "0a".repeat(16), span_id: "0b".repeat(8), project: "p" });
  const full = structuredClone(silent);
  for (const [index, column] of COUNTED_COLUMNS.entries()) {
    const before = (full.row as unknown as Record<string, unknown>)[column];
    if (column.endsWith("_ms")) Object.assign(full.row, { [column]: Math.fround(index + 0.1) });
    else if (column === "is_call" || column === "sla_met") Object.assign(full.row, { [column]: true });
    else if (column === "status") full.row.status = 2;
    else if (/_(?:tokens|nusd|ns|time)$/.test(column)) Object.assign(full.row, { [column]: 2 ** 40 + index });
    else Object.assign(full.row, { [column]: `${column} ü😀 ${String(before)}` });
  }
  full.row.cost_nusd = -5;
  const drafts = [full, silent, full];
  const { spans } = await encodeBatch(drafts);
  const counted = ({ row }: typeof full) => Object.fromEntries(COUNTED_COLUMNS.map((column) => [column, row[column]]));
  expect([...countedSpans(spans)]).toEqual(drafts.map(counted));
});
