import { RequestHeader, ResponseHeader } from "@signalbox/otel/conventions";
import type { PlannedTurn } from "./plan.ts";

export interface ModelCall {
  schedulerUrl: string;
  model: string;
  prompt: string;
  maxTokens: number;
  turn: PlannedTurn;
  turnId: string;
  traceparent: string;
  key?: string;
  signal: AbortSignal;
}

/** What an agent learns from one call; identity of the pool is in the response headers. */
export interface ModelReply {
  text: string;
  model: string | undefined;
  id: string | undefined;
  finishReason: string | undefined;
  inputTokens: number | undefined;
  outputTokens: number | undefined;
  /** seconds; streamed calls only */
  timeToFirstChunk?: number;
  route: string | undefined;
  pool: string | undefined;
  silicon: string | undefined;
  tier: number | undefined;
  decisionId: string | undefined;
}

/** The scheduler, or the pool behind it, did not answer with a completion. */
export class ModelCallError extends Error {
  override readonly name = "ModelCallError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Calls the scheduler as an agent's OpenAI client would, with our headers of identity. Streams where a human waits.
 * @throws ModelCallError on a refusal; the network's error where nobody answers.
 */
export async function callModel(call: ModelCall): Promise<ModelReply> {
  const stream = call.turn.sla === "interactive";
  const startedAt = performance.now();
  const response = await fetch(new URL("/v1/chat/completions", call.schedulerUrl), {
    method: "POST",
    headers: headersFor(call),
    body: JSON.stringify({
      model: call.model,
      messages: [{ role: "user", content: call.prompt }],
      max_tokens: call.maxTokens,
      ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    }),
    signal: call.signal,
  });
  if (!response.ok) throw new ModelCallError(response.status, refusalOf(await response.text()) ?? `HTTP ${response.status}`);
  const completion = stream ? await readStream(response, startedAt) : readCompletion(await response.json());
  const header = (name: string) => response.headers.get(name) ?? undefined;
  const tier = header(ResponseHeader.tier);
  return {
    ...completion,
    route: header(ResponseHeader.route),
    pool: header(ResponseHeader.pool),
    silicon: header(ResponseHeader.silicon),
    tier: tier === undefined ? undefined : Number(tier),
    decisionId: header(ResponseHeader.decision),
  };
}

function headersFor({ turn, turnId, traceparent, key }: ModelCall): Record<string, string> {
  const { agent } = turn;
  return {
    "content-type": "application/json",
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    [RequestHeader.traceparent]: traceparent,
    [RequestHeader.session]: agent.sessionId,
    [RequestHeader.agent]: agent.agentId,
    ...(agent.parentAgentId === undefined ? {} : { [RequestHeader.parentAgent]: agent.parentAgentId }),
    [RequestHeader.agentName]: agent.name,
    [RequestHeader.agentKind]: "openclaw",
    [RequestHeader.turn]: turnId,
    [RequestHeader.channel]: agent.channel,
    [RequestHeader.user]: agent.user,
    [RequestHeader.task]: turn.task,
    [RequestHeader.sla]: turn.sla,
  };
}

type Completion = Pick<ModelReply, "text" | "model" | "id" | "finishReason" | "inputTokens" | "outputTokens" | "timeToFirstChunk">;

interface ChatCompletion {
  id?: string;
  model?: string;
  choices?: { message?: { content?: string | null }; delta?: { content?: string | null }; finish_reason?: string | null }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
  error?: { message?: string };
}

function readCompletion(body: unknown): Completion {
  const { id, model, choices, usage } = body as ChatCompletion;
  return {
    text: choices?.[0]?.message?.content ?? "",
    id,
    model,
    finishReason: choices?.[0]?.finish_reason ?? undefined,
    inputTokens: usage?.prompt_tokens,
    outputTokens: usage?.completion_tokens,
  };
}

async function readStream(response: Response, startedAt: number): Promise<Completion> {
  const completion: Completion = {
    text: "",
    id: undefined,
    model: undefined,
    finishReason: undefined,
    inputTokens: undefined,
    outputTokens: undefined,
  };
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data:") || line.includes("[DONE]")) continue;
      const part = JSON.parse(line.slice("data:".length)) as ChatCompletion;
      if (part.error) throw new ModelCallError(response.status, part.error.message ?? "the stream ended with an error");
      completion.timeToFirstChunk ??= (performance.now() - startedAt) / 1000;
      completion.id ??= part.id;
      completion.model ??= part.model;
      completion.text += part.choices?.[0]?.delta?.content ?? "";
      completion.finishReason = part.choices?.[0]?.finish_reason ?? completion.finishReason;
      completion.inputTokens = part.usage?.prompt_tokens ?? completion.inputTokens;
      completion.outputTokens = part.usage?.completion_tokens ?? completion.outputTokens;
    }
  }
  return completion;
}

function refusalOf(body: string): string | undefined {
  try {
    return (JSON.parse(body) as ChatCompletion).error?.message;
  } catch {
    return undefined;
  }
}
