/** What must be equal for evaluated state to mean the same on two workers: loading any other may end the process. */

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { getModuleVersion } from "node-llama-cpp";
import type { WorkerOptions } from "./protocol.ts";

const BLOCK = 1 << 20;
/** Blocks spread over the file, its first and its last among them: all of 40 GB would take a minute at every start. */
const BLOCKS = 64;

/** 32 hex digits of the GGUF (its size and 64 blocks of a megabyte), the context's shape, and the version of llama.cpp's binding. */
export async function modelIdentity({
  modelPath,
  slots,
  contextTokens,
}: Pick<WorkerOptions, "modelPath" | "slots" | "contextTokens">): Promise<string> {
  const version = await getModuleVersion();
  const file = await open(modelPath);
  try {
    const { size } = await file.stat();
    const hash = createHash("sha256").update(JSON.stringify({ size, slots, contextTokens, version }));
    const stride = Math.max(BLOCK, Math.floor((size - BLOCK) / (BLOCKS - 1)));
    const buffer = Buffer.alloc(Math.min(BLOCK, size));
    for (let block = 0; block < BLOCKS; block++) {
      const at = Math.min(block * stride, Math.max(0, size - BLOCK));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      hash.update(buffer.subarray(0, bytesRead));
      if (at + BLOCK >= size) break;
    }
    return hash.digest("hex").slice(0, 32);
  } finally {
    await file.close();
  }
}
