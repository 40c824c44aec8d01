import type { EncodedBatch } from "../exporters/encode-batch.ts";
import { Identities, type IdentitiesJson } from "../exporters/identities.ts";
import type { Rewritten } from "../fan-out/rewrite.ts";

/** One accepted request as the log keeps it: the rows for the store, and the bytes for each destination. */
export interface WalRecord {
  batch: EncodedBatch;
  /** by the destination's name */
  fanOut: Map<string, Rewritten>;
}

interface Head {
  version: 1;
  spanCount: number;
  days: number[];
  identities: IdentitiesJson;
  /** Absent from records of builds that knew no import. */
  imported?: boolean;
  /** Lengths of what follows: spans, messages (-1: none), their order (-1: none). */
  lengths: [number, number, number];
  /** Destinations with equal bytes share them. */
  fanOut: { names: string[]; spans: number; length: number }[];
  /** Length of the bodies of calls, which come last; absent: none. */
  payloads?: number;
}

/** A length of the head, the head as JSON, then the buffers: one after the other they are the record, and large ones are not copied. */
export function encodeRecord({ batch, fanOut }: WalRecord): Buffer[] {
  const shared = new Map<Rewritten, string[]>();
  for (const [name, item] of fanOut) shared.set(item, [...(shared.get(item) ?? []), name]);
  const head: Head = {
    version: 1,
    spanCount: batch.spanCount,
    days: [...batch.days],
    identities: batch.identities.toJSON(),
    ...(batch.imported && { imported: true }),
    lengths: [batch.spans.length, batch.messages?.length ?? -1, batch.spanMessages?.length ?? -1],
    fanOut: [...shared].map(([item, names]) => ({ names, spans: item.spans, length: item.bytes.length })),
    ...(batch.payloads && { payloads: batch.payloads.length }),
  };
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(json.length);
  const content = [batch.messages, batch.spanMessages].filter((rows) => rows !== null);
  const bodies = batch.payloads === null ? [] : [batch.payloads];
  return [length, json, batch.spans, ...content, ...[...shared.keys()].map((item) => item.bytes), ...bodies];
}

export function decodeRecord(payload: Buffer): WalRecord {
  const headEnd = 4 + payload.readUInt32BE(0);
  const head = JSON.parse(payload.toString("utf8", 4, headEnd)) as Head;
  if (head.version !== 1) throw new Error(`a record of the write-ahead log has version ${head.version}: it is of a newer build`);
  let at = headEnd;
  const take = (length: number): Buffer => {
    at += length;
    return payload.subarray(at - length, at);
  };
  const [spansLength, messagesLength, spanMessagesLength] = head.lengths;
  const spans = take(spansLength);
  const messages = messagesLength < 0 ? null : take(messagesLength);
  const spanMessages = spanMessagesLength < 0 ? null : take(spanMessagesLength);
  const fanOut = new Map<string, Rewritten>();
  for (const { names, spans: count, length } of head.fanOut) {
    const item = { bytes: Buffer.from(take(length)), spans: count };
    for (const name of names) fanOut.set(name, item);
  }
  const payloads = head.payloads === undefined ? null : take(head.payloads);
  const bytes = spans.length + (messages?.length ?? 0) + (spanMessages?.length ?? 0) + (payloads?.length ?? 0);
  const { spanCount, imported = false } = head;
  const identities = Identities.fromJSON(head.identities);
  const days = new Set(head.days);
  const rows = { spanCount, spans, messages, newMessageBytes: 0, spanMessages, payloads, imported, days, bytes };
  return { batch: { ...rows, identities, counters: null, repeated: false }, fanOut };
}
