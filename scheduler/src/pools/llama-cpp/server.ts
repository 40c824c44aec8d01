/** The OpenAI chat completions dialect in front of an engine. */

import { randomUUID } from "node:crypto";
import http from "node:http";
import { z } from "zod";
import { type ChatRequest, parseChatRequest } from "./chat-request.ts";
import { ContextLengthError, type Engine, type GenerationResult } from "./engine.ts";
import type { WorkerOptions } from "./protocol.ts";

export function createWorkerServer(engine: Engine, options: Pick<WorkerOptions, "modelId" | "maxOutputTokens" | "key">): http.Server {
  return http.createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${options.key}`) {
      return sendError(response, 401, "invalid_api_key", "this worker answers its own scheduler only");
    }
    const route = `${request.method} ${request.url}`;
    if (route === "GET /v1/models") {
      return sendJson(response, 200, {
        object: "list",
        data: [{ id: options.modelId, object: "model", created: 0, owned_by: "llama.cpp" }],
      });
    }
    if (route !== "POST /v1/chat/completions") return sendError(response, 404, "not_found", `no such endpoint: ${route}`);
    void complete(request, response, engine, options);
  });
}

async function complete(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  engine: Engine,
  options: Pick<WorkerOptions, "modelId" | "maxOutputTokens">,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const chat = parseChatRequest(Buffer.concat(chunks).toString(), options.maxOutputTokens);
    const reply = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: options.modelId };
    if (chat.stream) await sendStream(response, engine, chat, reply, gone.signal);
    else await sendWhole(response, engine, chat, reply, gone.signal);
  } catch (error) {
    if (!gone.signal.aborted) fail(response, error);
  }
}

type Reply = { id: string; created: number; model: string };

async function sendWhole(
  response: http.ServerResponse,
  engine: Engine,
  chat: ChatRequest,
  reply: Reply,
  signal: AbortSignal,
): Promise<void> {
  let content = "";
  const result = await engine.generate(chat.generation, signal, (text) => {
    content += text;
  });
  const message = { role: "assistant", content };
  const choices = [{ index: 0, message, finish_reason: result.finishReason }];
  sendJson(response, 200, { ...reply, object: "chat.completion", choices, usage: wireUsage(result) });
}

async function sendStream(
  response: http.ServerResponse,
  engine: Engine,
  chat: ChatRequest,
  reply: Reply,
  signal: AbortSignal,
): Promise<void> {
  const base = { ...reply, object: "chat.completion.chunk" };
  const send = (delta: object, finishReason: string | null = null) => {
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    response.write(`data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason: finishReason }] })}\n\n`);
  };
  let first = true;
  const result = await engine.generate(chat.generation, signal, (content) => {
    send(first ? { role: "assistant", content } : { content });
    first = false;
  });
  send({}, result.finishReason);
  if (chat.includeUsage) response.write(`data: ${JSON.stringify({ ...base, choices: [], usage: wireUsage(result) })}\n\n`);
  response.end("data: [DONE]\n\n");
}

function wireUsage({ promptTokens, cachedTokens, completionTokens }: GenerationResult) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

function fail(response: http.ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.end(`data: ${JSON.stringify({ error: { message: messageOf(error), type: "server_error", code: "generation_failed" } })}\n\n`);
  } else if (error instanceof ContextLengthError) sendError(response, 400, "context_length_exceeded", error.message);
  else if (error instanceof z.ZodError || error instanceof SyntaxError) sendError(response, 400, "invalid_request", messageOf(error));
  else sendError(response, 500, "generation_failed", messageOf(error));
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  return error instanceof Error ? error.message : String(error);
}

function sendError(response: http.ServerResponse, status: number, code: string, message: string): void {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  sendJson(response, status, { error: { message, type, param: null, code } });
}

function sendJson(response: http.ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}
