/** A worker's HTTP side: OpenAI's dialect for callers, `/status` and `/kv` for schedulers. */

import { createHash, timingSafeEqual } from "node:crypto";
import http from "node:http";
import { answering, complete, embed } from "./completions.ts";
import type { Engine } from "./engine.ts";
import type { MeasuredSpeed, WorkerOptions, WorkerStatus } from "./protocol.ts";
import { sendError, sendJson } from "./replies.ts";
import { stateEndpoint } from "./state-endpoints.ts";

export function createWorkerServer(engine: Engine, options: WorkerOptions, speed: MeasuredSpeed): http.Server {
  const started = new Date().toISOString();
  const wanted = digest(`Bearer ${options.key}`);

  const status = (since: number): WorkerStatus => ({
    model: options.modelId,
    slots: options.slots,
    context_tokens: options.contextTokens,
    max_output_tokens: options.maxOutputTokens,
    identity: engine.identity,
    started,
    speed,
    restore_ms_per_mb: restoreMsPerMb(engine),
    bytes_per_token: engine.store.bytesPerToken,
    kv: engine.store.counters,
    room_bytes: engine.store.room(),
    sessions: engine.sequences.list(),
    moves: engine.moves.filter(({ id }) => id > since),
  });

  return http.createServer((request, response) => {
    if (!timingSafeEqual(digest(request.headers.authorization ?? ""), wanted)) {
      return sendError(response, 401, "invalid_api_key", "this worker answers only to the key it was started with");
    }
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://worker");
    const route = `${request.method} ${pathname}`;
    if (route === "GET /status") return sendJson(response, 200, status(Number(searchParams.get("since") ?? 0) || 0));
    if (route === "GET /v1/models") {
      return sendJson(response, 200, {
        object: "list",
        data: [{ id: options.modelId, object: "model", created: 0, owned_by: "llama.cpp" }],
      });
    }
    if (route === "POST /v1/chat/completions") return void answering(request, response, complete(engine, options));
    if (route === "POST /v1/embeddings") return void answering(request, response, embed(engine, options));
    const endpoint = stateEndpoint(request, engine, options);
    if (endpoint) return void answering(request, response, () => endpoint(response));
    sendError(response, 404, "not_found", `no such endpoint: ${route}`);
  });
}

const digest = (text: string) => createHash("sha256").update(text).digest();

function restoreMsPerMb({ moves }: Engine): number | undefined {
  const restored = moves.filter(({ to }) => to === "live");
  const bytes = restored.reduce((sum, move) => sum + move.bytes, 0);
  return bytes === 0 ? undefined : (restored.reduce((sum, move) => sum + move.ms, 0) / bytes) * 1e6;
}
