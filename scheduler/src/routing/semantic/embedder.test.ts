import { expect, test } from "vitest";
import { type AskForVectors, createEmbedder } from "./embedder.ts";

function setUp(ask: AskForVectors, more: Partial<Parameters<typeof createEmbedder>[0]> = {}) {
  const asked: string[] = [];
  let skipped = 0;
  const embedder = createEmbedder({
    ask(texts, signal) {
      asked.push(...texts);
      return ask(texts, signal);
    },
    timeoutMs: 5,
    maxCharacters: 10,
    cacheEntries: 2,
    onSkip: () => skipped++,
    ...more,
  });
  return { ...embedder, asked, skipped: () => skipped };
}

test("a text is asked for once, by its end, and the vector has length 1", async () => {
  const { embed, asked } = setUp(async (texts) => texts.map(() => [3, 4]), { timeoutMs: 1_000 });
  const [first, same] = await Promise.all([embed("one long text, the end"), embed("another long text, the end")]);
  expect(first).toEqual(Float32Array.from([0.6, 0.8]));
  expect(same).toBe(first);
  expect(asked).toEqual(["t, the end"]);
});

test("what is too slow is skipped, and known the next time", async () => {
  const { promise, resolve } = Promise.withResolvers<number[][]>();
  const { embed, asked, skipped } = setUp(() => promise);
  expect(await embed("slow")).toEqual({ skipped: "no vector within 5 ms" });
  resolve([[1, 0]]);
  await promise;
  await Promise.resolve();
  expect(await embed("slow")).toEqual(Float32Array.from([1, 0]));
  expect([asked, skipped()]).toEqual([["slow"], 1]);
});

test("a failure, an empty text and a crowd are skipped with the reason", async () => {
  const failing = setUp(() => Promise.reject(new Error("pool p answered 503")), { timeoutMs: 1_000 });
  expect(await failing.embed("x")).toEqual({ skipped: "no vector: pool p answered 503" });
  expect(await failing.embed("  ")).toEqual({ skipped: "there is no user message" });
  const crowded = setUp(() => new Promise(() => {}), { timeoutMs: 1 });
  await Promise.all(Array.from({ length: 64 }, (_, n) => crowded.embed(`text ${n}`)));
  expect(await crowded.embed("one more")).toEqual({ skipped: "64 texts wait for their vectors" });
});

test("vectors are bounded: the one that was not asked for longest is asked for again", async () => {
  const { embed, asked } = setUp(async () => [[1]], { timeoutMs: 1_000 });
  for (const text of ["a", "b", "a", "c", "a", "b"]) await embed(text);
  expect(asked).toEqual(["a", "b", "c", "b"]);
});
