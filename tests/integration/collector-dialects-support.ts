import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import type { FixtureFile } from "../agents/capture/fixture-folder.ts";
import type { Json } from "./collector-support.ts";

const schema = (file: string) => readFileSync(new URL(`../../collector-processor/src/otlp/${file}`, import.meta.url), "utf8");
const root = protobuf.parse(schema("trace-service.proto") + schema("logs-service.proto")).root;

export type Signal = "traces" | "logs";
const NAMES = {
  traces: { request: "ExportTraceServiceRequest", resources: "resourceSpans", scopes: "scopeSpans", items: "spans" },
  logs: { request: "ExportLogsServiceRequest", resources: "resourceLogs", scopes: "scopeLogs", items: "logRecords" },
} as const;

/** One span or log record, with the resource and scope that it came under. */
export interface Item {
  signal: Signal;
  resource: Json;
  scope: Json;
  item: Json;
}

const list = (value: unknown): Json[] => (value ?? []) as Json[];

/** Every span and log record that a fixture's agent exported. */
export function itemsOf(fixture: FixtureFile): Item[] {
  return fixture.records.flatMap((record) => {
    if (record.kind !== "otlp" || record.signal === "metrics") return [];
    const signal: Signal = record.signal;
    const names = NAMES[signal];
    return list((record.body as Json)[names.resources]).flatMap((resource) =>
      list(resource[names.scopes]).flatMap((scope) =>
        list(scope[names.items]).map((item) => ({
          signal,
          resource: (resource.resource ?? {}) as Json,
          scope: (scope.scope ?? {}) as Json,
          item,
        })),
      ),
    );
  });
}

/** One export of items of one signal. */
export function requestOf(signal: Signal, items: Item[]): Json {
  const names = NAMES[signal];
  return {
    [names.resources]: items.map(({ resource, scope, item }) => ({ resource, [names.scopes]: [{ scope, [names.items]: [item] }] })),
  };
}

/** The same as protobuf, by protobufjs. */
export function encode(signal: Signal, request: Json): Buffer {
  const type = root.lookupType(NAMES[signal].request);
  // OTLP/JSON has ids in hex where protobuf's own mapping has base64
  const withBytes = JSON.parse(JSON.stringify(request), (key, value) =>
    /^(?:trace|span|parentSpan)Id$/.test(key) ? Buffer.from(value, "hex").toString("base64") : value,
  );
  return Buffer.from(type.encode(type.fromObject(withBytes)).finish());
}

/** The items in another order, cut elsewhere, a fifth of them twice; each part is of one signal. */
export function disordered(items: Item[], next: () => number): { signal: Signal; items: Item[] }[] {
  const all = [...items, ...items.filter(() => next() < 0.2)];
  for (let index = all.length - 1; index > 0; index--) {
    const other = Math.floor(next() * (index + 1));
    [all[index], all[other]] = [all[other] as Item, all[index] as Item];
  }
  const parts: { signal: Signal; items: Item[] }[] = [];
  for (let start = 0; start < all.length; ) {
    const part = all.slice(start, start + 1 + Math.floor(next() * 120));
    start += part.length;
    for (const signal of ["traces", "logs"] as const) {
      const ofSignal = part.filter((item) => item.signal === signal);
      if (ofSignal.length > 0) parts.push({ signal, items: ofSignal });
    }
  }
  return parts;
}
