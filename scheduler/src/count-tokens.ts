/** `POST /v1/messages/count_tokens`: asked of a pool that can count, else estimated. It costs nothing, so nothing is decided or recorded. */

import type { Dispatcher } from "undici";
import { type Identity, identify } from "./admission/identity.ts";
import { admitToModel, identityFor } from "./admission/keys.ts";
import { type ChatRequest, parseBody } from "./dialects/chat-request.ts";
import { scanMessagesRequest } from "./dialects/messages-request.ts";
import { estimateInputTokens, Untranslatable } from "./dialects/translate/index.ts";
import type { Generations } from "./generations.ts";
import { readBody } from "./http/body.ts";
import { HttpError } from "./http/errors.ts";
import type { ClientRequest, Handler } from "./http/messages.ts";
import { sendJson } from "./http/send.ts";
import type { Log } from "./log.ts";
import type { Offer } from "./pools/pool.ts";
import { Exchanges, engineHeaders } from "./relay/exchange.ts";
import { bringsCredentials, replyable, upstreamHeaders } from "./relay/headers.ts";
import { refuse } from "./relay/refuse.ts";
import { newSpanId, newTraceId } from "./telemetry/ids.ts";

export interface CountTokensDependencies {
  /** @throws HttpError where the caller's session is stopped */
  refuseStopped: (identity: Identity) => void;
  generations: Pick<Generations, "enter">;
  maxBodyBytes: number;
  log: Log;
}

/** Milliseconds; an estimate now is worth more than a count later. */
const PATIENCE_MS = 5_000;

export function createCountTokens({ refuseStopped, generations, maxBodyBytes, log }: CountTokensDependencies): Handler {
  return async (request, response) => {
    const lease = generations.enter();
    const { parts } = lease;
    try {
      const principal = parts.gatekeeper.admitModel(request.headers);
      const asked = scanMessagesRequest(await readBody(request, maxBodyBytes));
      admitToModel(principal, asked.model);
      refuseStopped(identityFor(principal, identify(request.headers, asked, newTraceId())));
      const counted = await ask(request, asked, parts.catalog.offersFor(asked.model)).catch((error: unknown) => {
        log.warn("a pool did not count tokens: estimated", { model: asked.model, reason: (error as Error).message });
        return undefined;
      });
      if (!counted) return sendJson(response, 200, { input_tokens: estimate(asked) });
      response.writeHead(counted.statusCode, { ...replyable(counted.headers), "content-length": counted.body.length });
      response.end(counted.body);
    } catch (error) {
      if (!(error instanceof HttpError)) log.error("request failed", { reason: (error as Error).stack ?? String(error) });
      refuse("anthropic-messages", response, error);
    } finally {
      lease.leave();
    }
  };
}

type Counted = Pick<Dispatcher.ResponseData, "statusCode" | "headers"> & { body: Buffer };

/** Undefined where no pool of this model counts, or the one that does is failing. */
async function ask(request: ClientRequest, asked: ChatRequest, offers: readonly Offer[]): Promise<Counted | undefined> {
  const withLogin = bringsCredentials(request.headers);
  const counts = offers.find(
    ({ source, unavailable }) => source.engine === "anthropic" && unavailable === undefined && (withLogin || !source.callerCredentials),
  );
  const upstream = counts?.source.connection.upstream;
  if (!counts || !upstream) return undefined;
  const exchange = new Exchanges(asked, request.url ?? "", request.headers).open(counts);
  const headers = upstreamHeaders(request.headers, upstream, { traceId: newTraceId() }, newSpanId());
  const {
    statusCode,
    headers: replied,
    body,
  } = await upstream.dispatcher.request({
    origin: upstream.origin,
    path: upstream.basePath + exchange.path.replace("/messages", "/messages/count_tokens"),
    method: "POST",
    headers: [...headers, ...engineHeaders(exchange.engine, upstream, request.headers)],
    body: exchange.body,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const bytes = Buffer.from(await body.arrayBuffer());
  return statusCode < 500 ? { statusCode, headers: replied, body: bytes } : undefined;
}

/** @throws HttpError 400 */
function estimate({ body }: ChatRequest): number {
  try {
    return estimateInputTokens("anthropic-messages", parseBody(body));
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error;
    throw new HttpError(400, null, error.message, error.field ? { param: error.field } : {});
  }
}
