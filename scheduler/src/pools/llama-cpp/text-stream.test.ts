import type { Token } from "node-llama-cpp";
import { expect, test } from "vitest";
import { createTextStream } from "./text-stream.ts";

/** A tokenizer of bytes. */
const model = { detokenize: (tokens: readonly Token[]) => Buffer.from(tokens as readonly number[] as number[]).toString() } as never;

function run(text: string, stop: string[] = []) {
  const pieces: string[] = [];
  const stream = createTextStream(model, stop, (piece) => pieces.push(piece));
  const stopped = [...Buffer.from(text)].some((byte) => stream.push(byte as Token));
  stream.end();
  return { pieces, text: pieces.join(""), stopped };
}

test("a character of several tokens is emitted whole", () => {
  expect(run("aé😀b").pieces).toEqual(["a", "é", "😀", "b"]);
});

test("a stop string ends the text before it, and its beginnings are not lost where it does not come", () => {
  expect(run("one STOP two", ["STOP"])).toMatchObject({ text: "one ", stopped: true });
  expect(run("one STO", ["STOP"])).toMatchObject({ text: "one STO", stopped: false });
});
