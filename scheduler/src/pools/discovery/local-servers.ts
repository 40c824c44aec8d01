/** Model servers on this machine, told by what they answer: an open port alone is no model server. */

import { existsSync } from "node:fs";
import { z } from "zod";
import type { Finding } from "./finding.ts";
import { readJson } from "./read-json.ts";

export interface LocalServer {
  /** The pool's name. */
  name: string;
  title: string;
  origin: string;
  /** Asked for its models; the answer must be of its own kind. */
  path: string;
  /** @returns ids of models that chat; undefined: this is another program's answer */
  read(answer: unknown): string[] | undefined;
  slots: number;
}

const ollama = z.object({ models: z.array(z.object({ name: z.string(), modified_at: z.string(), digest: z.string() })) });
const lmStudio = z.object({ data: z.array(z.object({ id: z.string(), type: z.string(), arch: z.string(), state: z.string() })) });
const openai = z.object({ object: z.literal("list"), data: z.array(z.object({ id: z.string(), owned_by: z.string() })).min(1) });

const ownedBy = (owner: string) => (answer: unknown) => {
  const list = openai.safeParse(answer).data?.data;
  return list?.every(({ owned_by }) => owned_by === owner) ? list.map(({ id }) => id) : undefined;
};

export const LOCAL_SERVERS: readonly LocalServer[] = [
  {
    name: "ollama",
    title: "Ollama",
    origin: "http://127.0.0.1:11434",
    path: "/api/tags",
    read: (answer) => ollama.safeParse(answer).data?.models.map(({ name }) => name),
    // Ollama's own default of parallel requests.
    slots: 4,
  },
  {
    name: "lm-studio",
    title: "LM Studio",
    origin: "http://127.0.0.1:1234",
    path: "/api/v0/models",
    read: (answer) => lmStudio.safeParse(answer).data?.data.flatMap(({ id, type }) => (type === "llm" || type === "vlm" ? [id] : [])),
    slots: 4,
  },
  { name: "vllm", title: "vLLM", origin: "http://127.0.0.1:8000", path: "/v1/models", read: ownedBy("vllm"), slots: 32 },
  { name: "llama-server", title: "llama-server", origin: "http://127.0.0.1:8080", path: "/v1/models", read: ownedBy("llamacpp"), slots: 4 },
];

const TIMEOUT_MS = 500;
const MAX_MODELS = 64;
/** Nobody told us what this machine costs. */
export const ASSUMED_HOURLY_USD = { cpu: 0.4, gpu: 1.86 } as const;

export async function lookForServers(servers: readonly LocalServer[]): Promise<Finding[]> {
  const found = await Promise.all(servers.map(ask));
  return found.flat();
}

async function ask({ name, title, origin, path, read, slots }: LocalServer): Promise<Finding[]> {
  const answer = await readJson(origin + path, { timeoutMs: TIMEOUT_MS });
  const models = answer === undefined ? undefined : read(answer)?.slice(0, MAX_MODELS);
  if (!models) return [];
  const { host } = new URL(origin);
  if (models.length === 0) return [{ pool: undefined, local: true, text: `${title} at ${host}, which has no model` }];
  const silicon = hasGpu() ? "gpu" : "cpu";
  const hourly_usd = ASSUMED_HOURLY_USD[silicon];
  const pool = {
    name,
    silicon,
    hardware: `${title} on this machine`,
    engine: "openai-compatible",
    provider: name,
    base_url: `${origin}/v1`,
    slots,
    hourly_usd,
    models: models.map((id) => ({ id, tier: 0 })),
  };
  return [{ pool, local: true, text: `${title} at ${host}: ${some(models)} (${silicon}, assumed $${hourly_usd.toFixed(2)} an hour)` }];
}

/** A driver is loaded. Which silicon a server really uses, it does not tell. */
const hasGpu = () => existsSync("/dev/nvidia0") || existsSync("/dev/kfd") || (process.platform === "darwin" && process.arch === "arm64");

export const some = (models: readonly string[]): string =>
  models.length <= 3 ? models.join(", ") : `${models.slice(0, 2).join(", ")} and ${models.length - 2} more models`;
