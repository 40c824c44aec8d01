import { EXPORT_FORMATS, type ExportFormat } from "../api/export-format.ts";
import { csvLine } from "../model/csv.ts";

export { EXPORT_FORMATS, type ExportFormat };
export const isExportFormat = (text: string): text is ExportFormat => (EXPORT_FORMATS as readonly string[]).includes(text);

/** A download ends here and says so, in its last line or as `cut`. */
export const MAX_EXPORT_ROWS = 200_000;

/**
 * A list with all its pages as one download, written as the pages come: one page is in memory at a time, and the next is read when the
 * client has taken it. Columns are those of the first page; what is no number or text stands as JSON.
 */
export async function exportRows(
  format: ExportFormat,
  pathname: string,
  load: (cursor: string | undefined) => Promise<object>,
): Promise<Response> {
  // the first page before the answer: what is wrong is still answered as an error
  let page: Page | undefined = toPage(await load(undefined));
  const columns = [...new Set(page.data.flatMap((row) => Object.keys(row)))];
  let cursor: string | undefined;
  let rows = 0;
  let isFirst = true;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      page ??= toPage(await load(cursor));
      const data = page.data.slice(0, MAX_EXPORT_ROWS - rows);
      rows += data.length;
      const isCut = rows >= MAX_EXPORT_ROWS && (page.next !== null || data.length < page.data.length);
      const isLast = isCut || page.next === null;
      controller.enqueue(encoder.encode(WRITERS[format]({ data, columns, isFirst, isLast, isCut })));
      isFirst = false;
      cursor = page.next ?? undefined;
      page = undefined;
      if (isLast) controller.close();
    },
  });
  const name = `signalbox-${
    pathname
      .split("/")
      .at(-1)
      ?.replace(/[^\w-]/g, "") || "export"
  }.${format}`;
  return new Response(stream, {
    headers: {
      "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
      "content-disposition": `attachment; filename="${name}"`,
      "cache-control": "no-store",
    },
  });
}

interface Page {
  data: Record<string, unknown>[];
  next: string | null;
}
interface Piece {
  data: Record<string, unknown>[];
  columns: readonly string[];
  isFirst: boolean;
  isLast: boolean;
  isCut: boolean;
}

const toPage = (answer: object): Page => {
  if (!("data" in answer) || !Array.isArray(answer.data)) throw new Error("only lists are exported");
  return { data: answer.data, next: "next" in answer && typeof answer.next === "string" ? answer.next : null };
};

const encoder = new TextEncoder();
const WRITERS: Record<ExportFormat, (piece: Piece) => string> = {
  csv: ({ data, columns, isFirst, isCut }) =>
    [
      ...(isFirst ? [csvLine(columns)] : []),
      ...data.map((row) => csvLine(columns.map((name) => row[name]))),
      ...(isCut ? [`# cut after ${MAX_EXPORT_ROWS} rows\r\n`] : []),
    ].join(""),
  json: ({ data, isFirst, isLast, isCut }) => {
    const rows = data.map((row) => JSON.stringify(row)).join(",\n");
    return `${isFirst ? '{"data":[' : rows && ","}${rows}${isLast ? `],"cut":${isCut}}\n` : ""}`;
  },
};
