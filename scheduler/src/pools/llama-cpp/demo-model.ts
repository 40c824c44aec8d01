/**
 * The demo model: a one-layer Llama with random weights that this file writes itself, so that a bare machine has something
 * real to schedule. It answers in words picked at random and ends its turn after some 24 of them; it knows nothing.
 *
 * One dimension of the residual stream is a constant that no layer writes to. The output matrix reads it as a bias, which is
 * how random weights are kept to printable words and turns are kept short.
 */

import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { BEGIN_OF_TEXT, demoVocabulary, END_OF_TURN, type TokenRole } from "./demo-vocabulary.ts";
import { encodeGguf, type MetadataValue, type Tensor } from "./gguf.ts";

export const DEMO_CONTEXT_TOKENS = 32_768;

export interface ModelSize {
  layers: number;
  /** A multiple of the heads. */
  width: number;
  heads: number;
  feedForward: number;
}

const SIZE: ModelSize = { layers: 1, width: 64, heads: 2, feedForward: 128 };
const SEED = 20_261_121;
/** Bump when the weights change: the file's name carries it. */
const REVISION = 1;

const TOKEN_TYPE: Record<TokenRole, number> = { piece: 1, word: 1, punctuation: 1, unknown: 2, control: 3, end: 3, byte: 6 };
/** Added to a token's logit, in nats. Chosen so that a turn ends after some 24 words. */
const LOGIT_BIAS: Record<TokenRole, number> = { word: 0, punctuation: 1.5, end: 3.6, piece: -20, unknown: -20, control: -20, byte: -20 };
/** The constant channel, and what is left of it after the final RMS norm (measured, within 10 %). */
const CONSTANT = 4;
const NORMALISED_CONSTANT = 5.4;

const TEMPLATE =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Writes the model into `directory` unless it is there, and returns its path. Pools and processes may race: the rename is atomic. */
export async function ensureDemoModel(directory: string): Promise<string> {
  const file = path.join(directory, `signalbox-demo-${REVISION}.gguf`);
  if (existsSync(file)) return file;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomUUID()}.tmp`;
  await writeFile(temporary, encodeDemoModel());
  await rename(temporary, file);
  return file;
}

/**
 * The GGUF file's bytes: the same at every call.
 * @param size another than the demo's takes an engine longer, and answers in no better words
 */
export function encodeDemoModel({ layers, width, heads, feedForward } = SIZE): Buffer {
  const vocabulary = demoVocabulary();
  const headWidth = width / heads;
  const metadata: Record<string, MetadataValue> = {
    "general.architecture": { string: "llama" },
    "general.name": { string: "signalbox-demo" },
    "general.file_type": { u32: 0 },
    "general.quantization_version": { u32: 2 },
    "llama.context_length": { u32: DEMO_CONTEXT_TOKENS },
    "llama.embedding_length": { u32: width },
    "llama.block_count": { u32: layers },
    "llama.feed_forward_length": { u32: feedForward },
    "llama.attention.head_count": { u32: heads },
    "llama.attention.head_count_kv": { u32: heads },
    "llama.attention.layer_norm_rms_epsilon": { f32: 1e-5 },
    "llama.rope.dimension_count": { u32: headWidth },
    "llama.rope.freq_base": { f32: 10_000 },
    "llama.vocab_size": { u32: vocabulary.length },
    "tokenizer.ggml.model": { string: "llama" },
    "tokenizer.ggml.tokens": { strings: vocabulary.map((entry) => entry.text) },
    "tokenizer.ggml.scores": { f32s: vocabulary.map((entry) => entry.score) },
    "tokenizer.ggml.token_type": { i32s: vocabulary.map((entry) => TOKEN_TYPE[entry.role]) },
    "tokenizer.ggml.bos_token_id": { u32: BEGIN_OF_TEXT },
    "tokenizer.ggml.eos_token_id": { u32: END_OF_TURN },
    "tokenizer.ggml.eot_token_id": { u32: END_OF_TURN },
    "tokenizer.ggml.unknown_token_id": { u32: 0 },
    "tokenizer.ggml.add_bos_token": { bool: true },
    "tokenizer.ggml.add_eos_token": { bool: false },
    "tokenizer.ggml.add_space_prefix": { bool: false },
    "tokenizer.chat_template": { string: TEMPLATE },
  };

  const normal = gaussian(SEED);
  const one = () => 1;
  const weight = () => normal() * 0.08;
  /** Writes nothing to the constant channel, which is row 0 of the output. */
  const residual = (row: number) => (row === 0 ? 0 : weight());
  const tensors: Tensor[] = [
    {
      name: "token_embd.weight",
      dimensions: [width, vocabulary.length],
      fill: (_row, column) => (column === 0 ? CONSTANT : normal() * 0.5),
    },
  ];
  for (let layer = 0; layer < layers; layer++) {
    const add = (name: string, dimensions: number[], fill: Tensor["fill"]) =>
      tensors.push({ name: `blk.${layer}.${name}.weight`, dimensions, fill });
    add("attn_norm", [width], one);
    add("attn_q", [width, width], weight);
    add("attn_k", [width, width], weight);
    add("attn_v", [width, width], weight);
    add("attn_output", [width, width], residual);
    add("ffn_norm", [width], one);
    add("ffn_gate", [width, feedForward], weight);
    add("ffn_up", [width, feedForward], weight);
    add("ffn_down", [feedForward, width], residual);
  }
  tensors.push({ name: "output_norm.weight", dimensions: [width], fill: one });
  tensors.push({
    name: "output.weight",
    dimensions: [width, vocabulary.length],
    fill: (row, column) => {
      const role = vocabulary[row]?.role ?? "unknown";
      return column === 0 ? LOGIT_BIAS[role] / NORMALISED_CONSTANT : normal() * 0.2;
    },
  });
  return encodeGguf(metadata, tensors);
}

/** Normal deviates from a fixed seed: mulberry32 through Box and Muller. */
function gaussian(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
