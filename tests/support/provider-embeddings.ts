/** A scripted embeddings provider with a ledger. Its vectors count words: texts that share words are near each other. */

import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface EmbeddingsProvider {
  url: string;
  /** The texts of each request, in order. */
  ledger: { texts: string[]; inputTokens: number }[];
  /** Milliseconds before each answer from now on. */
  delayMs: number;
  /** Answered 200 in place of vectors, from now on; undefined: vectors. */
  garbage: string | undefined;
  close(): Promise<void>;
}

const SIZE = 64;

export async function startEmbeddingsProvider(): Promise<EmbeddingsProvider> {
  const provider: Pick<EmbeddingsProvider, "ledger" | "delayMs" | "garbage"> = { ledger: [], delayMs: 0, garbage: undefined };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === "GET") return void response.end(JSON.stringify({ object: "list", data: [] }));
    const { input, model } = JSON.parse(Buffer.concat(chunks).toString()) as { input: string | string[]; model: string };
    const texts = [input].flat();
    const inputTokens = texts.reduce((sum, text) => sum + wordsOf(text).length, 0);
    provider.ledger.push({ texts, inputTokens });
    if (provider.delayMs) await sleep(provider.delayMs);
    const data = texts.map((text, index) => ({ object: "embedding", index, embedding: vectorOf(text) }));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(
      provider.garbage ?? JSON.stringify({ object: "list", data, model, usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } }),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(provider, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  });
}

const wordsOf = (text: string) => text.toLowerCase().match(/\p{L}+/gu) ?? [];

function vectorOf(text: string): number[] {
  const vector: number[] = new Array(SIZE).fill(0);
  for (const word of wordsOf(text)) {
    let slot = 7;
    for (const letter of word) slot = (slot * 31 + letter.charCodeAt(0)) % SIZE;
    vector[slot] = (vector[slot] ?? 0) + 1;
  }
  return vector;
}
