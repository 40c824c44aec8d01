/**
 * `…/kv/{key}`: a session's state out of this worker and into another. Between workers of one machine a file changes hands
 * (`POST …/export`, `POST …/import`); between machines its bytes do (`GET`, `PUT`).
 */

import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import type http from "node:http";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import type { Engine } from "./engine.ts";
import { isSessionKey } from "./kv-store.ts";
import { type ExportedState, STATE_HEADER, type WorkerOptions } from "./protocol.ts";
import { readBody, sendError, sendJson } from "./replies.ts";

const described = z.object({ identity: z.string(), tokens: z.int().min(1), bytes: z.int().min(1), checksum: z.int().min(0) });
const PATH = /^\/kv\/([^/]+?)(\/export|\/import)?$/;

/** @returns undefined where the request is for none of these */
export function stateEndpoint(
  request: http.IncomingMessage,
  engine: Engine,
  options: Pick<WorkerOptions, "kv" | "listen">,
): ((response: http.ServerResponse) => Promise<void>) | undefined {
  const [, key = "", verb = ""] = PATH.exec(request.url ?? "") ?? [];
  if (!isSessionKey(key)) return undefined;
  switch (`${request.method} ${verb}`) {
    case "POST /export":
      return async (response) => {
        const exported = await exportState(key, engine);
        if (typeof exported === "string")
          sendError(response, exported === "busy" ? 409 : 404, exported, `the session's state is ${exported}`);
        else sendJson(response, 200, exported);
      };
    case "POST /import":
      return (response) => importFile(key, request, response, engine, options);
    case "GET ":
      return (response) => sendState(key, response, engine);
    case "PUT ":
      return (response) => receiveState(key, request, response, engine, options);
    case "DELETE ":
      return async (response) => {
        await engine.sequences.forget(key);
        response.writeHead(204).end();
      };
    default:
      return undefined;
  }
}

async function exportState(key: string, engine: Engine): Promise<ExportedState | "busy" | "gone"> {
  const tier = await engine.sequences.writeOut(key);
  if (tier === "busy") return "busy";
  const state = engine.store.get(key);
  if (tier === undefined || !state) return "gone";
  const { tokens, bytes, checksum, file } = state;
  return { identity: engine.identity, tokens, bytes, checksum, path: file, tier };
}

async function importFile(
  key: string,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  engine: Engine,
  { listen }: Pick<WorkerOptions, "listen">,
): Promise<void> {
  // Who reaches a worker over a network has no say in which of its files it reads.
  if (!("socket" in listen)) return sendError(response, 403, "not_local", "this worker takes bytes (PUT), not paths");
  const state = described.extend({ path: z.string() }).parse(JSON.parse(await readBody(request)));
  await enter(key, state, response, engine);
}

async function sendState(key: string, response: http.ServerResponse, engine: Engine): Promise<void> {
  const exported = await exportState(key, engine);
  if (typeof exported === "string") {
    return sendError(response, exported === "busy" ? 409 : 404, exported, `the session's state is ${exported}`);
  }
  const { path: file, ...state } = exported;
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": state.bytes,
    [STATE_HEADER]: JSON.stringify(state),
  });
  await pipeline(createReadStream(file), response);
}

async function receiveState(
  key: string,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  engine: Engine,
  { kv }: Pick<WorkerOptions, "kv">,
): Promise<void> {
  const state = described.parse(JSON.parse(String(request.headers[STATE_HEADER] ?? "{}")));
  if (state.bytes > Math.max(kv.ram?.bytes ?? 0, kv.file.bytes))
    return sendError(response, 413, "too_large", "no tier here holds this much");
  const place = path.join(kv.file.folder, `incoming-${randomUUID()}`);
  try {
    let bytes = 0;
    await pipeline(
      request,
      async function* bounded(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (bytes > state.bytes) throw new SyntaxError("more bytes came than were announced");
          yield chunk;
        }
      },
      createWriteStream(place, { mode: 0o600 }),
    );
    await enter(key, { ...state, path: place }, response, engine);
  } finally {
    await rm(place, { force: true });
  }
}

async function enter(key: string, state: Omit<ExportedState, "tier">, response: http.ServerResponse, engine: Engine): Promise<void> {
  if (state.identity !== engine.identity) {
    return sendError(response, 409, "other_model", "the state is of another model, or of a context of another shape");
  }
  // What this worker has of the session is older.
  await engine.sequences.forget(key);
  const adopted = await engine.store.adopt(key, state);
  if (!adopted) return sendError(response, 422, "not_kept", "the state is damaged, or no tier here has room for it");
  sendJson(response, 200, { tier: adopted.tier });
}
