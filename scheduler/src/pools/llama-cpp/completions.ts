/** `POST /v1/chat/completions` and `POST /v1/embeddings` in front of an engine. */

import { randomUUID } from "node:crypto";
import type http from "node:http";
import { z } from "zod";
import { parseChatRequest } from "./chat-request.ts";
import type { Engine, GenerationOrigin, GenerationResult } from "./engine.ts";
import { isSessionKey } from "./kv-store.ts";
import { SESSION_HEADER, type WorkerOptions } from "./protocol.ts";
import { fail, readBody, sendJson } from "./replies.ts";
import type { ToolCall } from "./tools.ts";

type ServedModel = Pick<WorkerOptions, "modelId" | "maxOutputTokens">;
type Answer = (request: http.IncomingMessage, response: http.ServerResponse, signal: AbortSignal) => Promise<void>;

/** Runs an answer whose signal aborts when the client leaves; errors are answered. */
export async function answering(request: http.IncomingMessage, response: http.ServerResponse, answer: Answer): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    await answer(request, response, gone.signal);
  } catch (error) {
    if (!gone.signal.aborted) fail(response, error);
  }
}

export const complete =
  (engine: Engine, { modelId, maxOutputTokens }: ServedModel): Answer =>
  async (request, response, signal) => {
    const chat = parseChatRequest(await readBody(request), maxOutputTokens);
    const origin = originOf(request.headers);
    const reply = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: modelId };
    if (!chat.stream) {
      let content = "";
      const collect = (text: string) => {
        content += text;
      };
      const result = await engine.generate(chat.generation, signal, collect, origin);
      const calls = result.toolCalls.map(wireCall);
      const message = {
        role: "assistant",
        content: content || (calls.length > 0 ? null : ""),
        ...(calls.length > 0 && { tool_calls: calls }),
      };
      const choices = [{ index: 0, message, finish_reason: result.finishReason }];
      return sendJson(response, 200, { ...reply, object: "chat.completion", choices, usage: wireUsage(result) });
    }

    const base = { ...reply, object: "chat.completion.chunk" };
    let first = true;
    const send = (delta: object, finishReason: string | null = null) => {
      if (first) response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
      const content = first ? { role: "assistant", ...delta } : delta;
      first = false;
      response.write(`data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta: content, finish_reason: finishReason }] })}\n\n`);
    };
    const result = await engine.generate(chat.generation, signal, (content) => send({ content }), origin);
    for (const [index, call] of result.toolCalls.entries()) send({ tool_calls: [{ index, ...wireCall(call) }] });
    send({}, result.finishReason);
    if (chat.includeUsage) response.write(`data: ${JSON.stringify({ ...base, choices: [], usage: wireUsage(result) })}\n\n`);
    response.end("data: [DONE]\n\n");
  };

const wireCall = (call: ToolCall) => ({ id: `call_${randomUUID().replaceAll("-", "")}`, type: "function", function: call });

const wireUsage = ({ promptTokens, cachedTokens, completionTokens }: GenerationResult) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
  prompt_tokens_details: { cached_tokens: cachedTokens },
});

function originOf(headers: http.IncomingHttpHeaders): GenerationOrigin {
  const session = headers[SESSION_HEADER];
  const { traceparent } = headers;
  return {
    ...(typeof session === "string" && isSessionKey(session) && { session }),
    ...(typeof traceparent === "string" && { traceparent }),
  };
}

const tokens = z.array(z.int().min(0));
const embeddingsRequest = z.object({
  input: z.union([
    z.string().min(1),
    tokens.min(1),
    z
      .array(z.union([z.string().min(1), tokens.min(1)]))
      .min(1)
      .max(2048),
  ]),
  encoding_format: z.enum(["float", "base64"]).nullish(),
});

export const embed =
  (engine: Engine, { modelId }: ServedModel): Answer =>
  async (request, response, signal) => {
    const { input, encoding_format } = embeddingsRequest.parse(JSON.parse(await readBody(request)));
    const { vectors, promptTokens } = await engine.embed(inputsOf(input), signal);
    const encode = (vector: readonly number[]) =>
      encoding_format === "base64" ? Buffer.from(Float32Array.from(vector).buffer).toString("base64") : vector;
    const data = vectors.map((vector, index) => ({ object: "embedding", index, embedding: encode(vector) }));
    sendJson(response, 200, { object: "list", data, model: modelId, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } });
  };

function inputsOf(input: z.infer<typeof embeddingsRequest>["input"]): (string | number[])[] {
  if (typeof input === "string") return [input];
  return typeof input[0] === "number" ? [input as number[]] : (input as (string | number[])[]);
}
