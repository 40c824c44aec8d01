/** What a worker is started with, from a pool's config: of the scheduler's own workers and of `signalbox pool-worker`. */

import path from "node:path";
import type { LlamaCppPoolConfig } from "../../config/schema.ts";
import { ensureDemoModel } from "./demo-model.ts";
import type { KvOptions, WorkerListen, WorkerOptions } from "./protocol.ts";

export interface WorkerPlace {
  /** The state folder: the demo model is in `models/`. */
  home: string;
  /** What a relative model path is relative to. */
  configDirectory: string;
  listen: WorkerListen;
  kv: KvOptions;
  key: string;
}

export async function workerOptions(config: LlamaCppPoolConfig, place: WorkerPlace): Promise<WorkerOptions> {
  const { home, configDirectory, listen, kv, key } = place;
  const demo = config.model === "demo";
  const modelPath = demo ? await ensureDemoModel(path.join(home, "models")) : path.resolve(configDirectory, config.model ?? "");
  return {
    pool: config.name,
    modelPath,
    modelId: config.models[0]?.id ?? config.name,
    slots: config.slots,
    contextTokens: config.context_tokens,
    gpu: (config.gpu ?? (config.silicon === "gpu" ? "auto" : "off")) === "auto" ? "auto" : false,
    maxOutputTokens: config.max_output_tokens,
    demo,
    ...(config.threads !== undefined && { threads: config.threads }),
    ...(config.demo_pace_ms !== undefined && { demoPaceMs: config.demo_pace_ms }),
    listen,
    kv,
    key,
  };
}
