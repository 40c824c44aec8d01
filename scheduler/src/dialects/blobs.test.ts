import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { type ChatRequest, scanChatRequest } from "./chat-request.ts";
import { scanMessagesRequest } from "./messages-request.ts";
import { scanResponsesRequest } from "./responses-request.ts";

const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), randomBytes(750_000)]).toString("base64");
const PDF = Buffer.concat([Buffer.from("%PDF-1.7"), randomBytes(150_000)]).toString("base64");
const SAID = { type: "text", text: "What is this? ".repeat(400) };

const chat = (...parts: object[]) => ({ model: "m", messages: [{ role: "user", content: [SAID, ...parts] }] });
const messages = (...parts: object[]) => ({ model: "m", max_tokens: 9, messages: [{ role: "user", content: [SAID, ...parts] }] });
const responses = (...parts: object[]) => ({ model: "m", input: [{ role: "user", content: [{ ...SAID, type: "input_text" }, ...parts] }] });

const image = (data: string) => ({ type: "image", source: { type: "base64", media_type: "image/png", data } });
const document = (data: string) => ({ type: "document", source: { type: "base64", media_type: "application/pdf", data } });

const scan = (read: (body: Buffer) => ChatRequest, body: object, indent?: number) => read(Buffer.from(JSON.stringify(body, null, indent)));

test.each([
  ["chat", scanChatRequest, chat(), chat({ type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } })],
  ["messages", scanMessagesRequest, messages(), messages(image(PNG))],
  ["responses", scanResponsesRequest, responses(), responses({ type: "input_image", image_url: `data:image/png;base64,${PNG}` })],
] as const)("%s: an image of a megabyte counts as the tokens of an image", (_name, read, without, body) => {
  for (const indent of [undefined, 2]) {
    const [plain, found] = [scan(read, without, indent), scan(read, body, indent)];
    expect(found.promptBytes - plain.promptBytes).toBeGreaterThan(1_400 * 4);
    // what stands around it
    expect(found.promptBytes - plain.promptBytes).toBeLessThan(1_400 * 4 + 400);
    expect(plain.mostBlobTokens).toBe(0);
    // and its quotes
    expect(found.mostBlobTokens).toBe(50_001);
  }
});

test("two images are two, in the results of tools too", () => {
  const result = { type: "tool_result", tool_use_id: "t", content: [image(PNG)] };
  const found = scan(scanMessagesRequest, messages(image(PNG), result));
  expect(found.promptBytes - scan(scanMessagesRequest, messages()).promptBytes).toBeGreaterThan(2 * 1_400 * 4);
  expect(found.mostBlobTokens).toBe(100_002);
});

test("for a budget an image is one where the engine sees one: in the arguments of a tool it is text", () => {
  const call = { type: "tool_use", id: "t", name: "show", input: { part: image(PNG) } };
  expect(scan(scanMessagesRequest, messages(call)).mostBlobTokens).toBe((PNG.length + 2) / 2);
  const both = scan(scanMessagesRequest, messages(image(PNG), call));
  expect(both.mostBlobTokens).toBe(50_000 + (PNG.length + 4) / 2);
});

test("a document counts by its pages, and for a budget as the text that it may hold", () => {
  const plain = scan(scanMessagesRequest, messages());
  const found = scan(scanMessagesRequest, messages(document(PDF)));
  expect(Math.round((found.promptBytes - plain.promptBytes) / 8_000)).toBe(3);
  expect(found.mostBlobTokens).toBeGreaterThan(100_000);
  const inChat = { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${PDF}` } };
  expect(scan(scanChatRequest, chat(inChat)).mostBlobTokens).toBe(found.mostBlobTokens + "data:application/pdf;base64,".length / 2);
});

test("text is text, whatever it holds or stands under", () => {
  for (const part of [
    { type: "text", text: PNG },
    { type: "text", text: `data:image/png;base64,${PNG}` },
    { type: "tool_use", id: "t", name: "write", input: { data: "a line, and another one\n".repeat(3_000) } },
    { type: "tool_use", id: "t", name: "write", input: JSON.stringify({ data: PNG }) },
  ]) {
    const found = scan(scanMessagesRequest, messages(part));
    expect(found.promptBytes - scan(scanMessagesRequest, messages()).promptBytes).toBe(JSON.stringify(part).length + 1);
    expect(found.mostBlobTokens).toBe(0);
  }
});
