import { expect, it } from "vitest";
import { exportRequest } from "./log-records.ts";
import type { PayloadMeta } from "./protocol.ts";

const KEY = `sk-${"a1B2".repeat(8)}`;
const meta: PayloadMeta = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  direction: "sent",
  session: "agent:a:main",
  project: undefined,
  startedAt: 1_795_000_000_000.25,
  bytes: 0,
};

function roundTrip(...bodies: { bytes: Buffer; of?: number }[]) {
  const all = Buffer.concat(bodies.map(({ bytes }) => bytes));
  const buffer = all.buffer.slice(all.byteOffset, all.byteOffset + all.length) as ArrayBuffer;
  const request = JSON.parse(
    exportRequest({
      bytes: buffer,
      bodies: bodies.map(({ bytes, of = bytes.length }) => ({ ...meta, bytes: of, length: bytes.length })),
    }),
  );
  return request.resourceLogs[0].scopeLogs[0].logRecords as {
    body: { bytesValue: string };
    timeUnixNano: string;
    attributes: { key: string; value: object }[];
  }[];
}
const bodyOf = (record: { body: { bytesValue: string } } | undefined) => Buffer.from(record?.body.bytesValue ?? "", "base64");

it("keeps every byte that is no secret, whatever the encoding", () => {
  const odd = Buffer.from([0, 255, 254, 0x80, 0xc3, 0x28, 10, 13]);
  const utf8 = Buffer.from('{"text":"ünï 漢字 🙂","max_tokens":100}');
  const records = roundTrip({ bytes: odd }, { bytes: utf8 });
  expect(bodyOf(records[0])).toEqual(odd);
  expect(bodyOf(records[1])).toEqual(utf8);
  expect(records[0]?.timeUnixNano).toBe("1795000000000250000");
});

it("takes secrets out, between bytes of any kind", () => {
  const [record] = roundTrip({ bytes: Buffer.from(`ü{"key":"${KEY}","api_key":"hunter2hunter2"}`) });
  expect(bodyOf(record).toString()).toBe('ü{"key":"[redacted]","api_key":"[redacted]"}');
});

it("says where the end was left out", () => {
  const [record] = roundTrip({ bytes: Buffer.from("half"), of: 8 });
  expect(record?.attributes).toContainEqual({ key: "signalbox.payload.truncated", value: { boolValue: true } });
  expect(record?.attributes).toContainEqual({ key: "signalbox.payload.bytes", value: { intValue: "8" } });
});
