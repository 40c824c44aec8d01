/** What is said to an engine for a client's request, and how its answer is read: as they are where both speak one dialect, else translated. */

import type { IncomingHttpHeaders } from "node:http";
import { type DecisionCandidate, RequestHeader } from "@signalbox/otel/conventions";
import { bodyFor, type ChatRequest, hasTools, type PoolNeeds, parseBody } from "../dialects/chat-request.ts";
import { ANTHROPIC_VERSION } from "../dialects/messages-request.ts";
import { type Dialect, type TranslatedRequest, translateRequest, Untranslatable } from "../dialects/translate/index.ts";
import { HttpError } from "../http/errors.ts";
import type { Upstream } from "../pools/connection.ts";
import type { Offer } from "../pools/pool.ts";
import { maxTokensFieldOf } from "../pools/provider.ts";
import type { Call } from "./call.ts";
import { concludeAs } from "./dialect-held.ts";
import { createDialectStream } from "./dialect-stream.ts";
import { bringsCredentials } from "./headers.ts";
import { concludeEmbeddings, createHeldReply } from "./held-reply.ts";
import type { Reply } from "./reply.ts";
import type { OpenAttempt } from "./settle.ts";
import { createStreamReply } from "./stream-reply.ts";

type OpenReply = (call: Call, attempt: OpenAttempt, status: number, headers: Record<string, string | string[] | undefined>) => Reply;

export interface Exchange {
  /** After the pool's base path. */
  path: string;
  body: Buffer;
  /** What the engine is spoken to in. */
  engine: Dialect;
  streamReply: OpenReply;
  heldReply: OpenReply;
  /** Paths of what the translation left out. */
  dropped: readonly string[] | undefined;
}

const PATHS: Record<Dialect, string> = {
  "openai-chat": "/chat/completions",
  "openai-responses": "/responses",
  "anthropic-messages": "/messages",
};
/** Told in a decision, besides its candidates. */
const MAX_UNFIT = 4;

/** Of one request. */
export class Exchanges {
  readonly #chat: ChatRequest;
  readonly #url: string;
  readonly #headers: IncomingHttpHeaders;
  #translations: Map<string, TranslatedRequest> | undefined;
  #parsed: unknown;

  /** @param url the client's: its query passes where the dialect stays the same */
  constructor(chat: ChatRequest, url: string, headers: IncomingHttpHeaders) {
    this.#chat = chat;
    this.#url = url;
    this.#headers = headers;
  }

  #translated(offer: Offer, to: Dialect): TranslatedRequest {
    const chat = this.#chat;
    const { maxOutputTokens: defaultMaxTokens, source } = offer;
    const maxTokensField = maxTokensFieldOf(source.provider);
    const key = `${to} ${maxTokensField} ${defaultMaxTokens} ${offer.maxTokensFloor} ${offer.tools}`;
    this.#translations ??= new Map();
    let translation = this.#translations.get(key);
    let body: unknown;
    if (!translation) {
      const strips = offer.tools === "strip";
      if (strips || offer.maxTokensFloor !== undefined) body = parseBody(bodyFor(chat, { ...needsOf(offer), model: chat.model }));
      else body = this.#parsed ??= parseBody(chat.body);
      translation = translateRequest(chat.dialect, to, body, {
        maxTokensField,
        // Codex names web_search in every request; Claude Code names a server tool only where the request is about it.
        serverTools: chat.dialect === "openai-responses" ? "drop" : "refuse",
        ...(defaultMaxTokens !== undefined && { defaultMaxTokens }),
      });
      this.#translations.set(key, translation);
    }
    return translation;
  }

  /** Why this offer cannot be asked at all; undefined where it can. @throws HttpError 400 where the body is no JSON after all */
  unfit(offer: Offer): HttpError | undefined {
    const chat = this.#chat;
    if (offer.source.callerCredentials && !bringsCredentials(this.#headers))
      return new HttpError(
        401,
        "credentials_required",
        `pool ${offer.pool} is for callers with credentials of their own (${RequestHeader.credentials}: caller)`,
      );
    if (offer.tools === "refuse" && hasTools(chat))
      return new HttpError(400, "no_tools", `${offer.model} of pool ${offer.pool} takes no requests with tools (tools: refuse)`, {
        param: "tools",
      });
    if (speaks(offer, chat)) return undefined;
    if (chat.operation === "embeddings")
      return new HttpError(400, "unsupported_operation", `a pool of engine ${offer.source.engine} makes no embeddings`);
    try {
      this.#translated(offer, engineDialect(offer));
      return undefined;
    } catch (error) {
      if (!(error instanceof Untranslatable)) throw error;
      return new HttpError(400, "untranslatable", error.message, error.field ? { param: error.field } : {});
    }
  }

  /** For an offer that was checked. */
  open(offer: Offer): Exchange {
    const chat = this.#chat;
    if (speaks(offer, chat)) return relayed(chat, offer, this.#url);
    const engine = engineDialect(offer);
    const { body, dropped, context } = this.#translated(offer, engine);
    const between = { engine, client: chat.dialect, context };
    return {
      path: PATHS[engine],
      body: Buffer.from(JSON.stringify({ ...body, model: offer.model })),
      engine,
      streamReply: (...reply) => createDialectStream(between, ...reply),
      heldReply: (...reply) => createHeldReply(...reply, concludeAs(between), engine),
      dropped,
    };
  }
}

const needsOf = ({ model, maxTokensFloor, tools }: Offer): PoolNeeds => ({
  model,
  maxTokensFloor,
  withoutTools: tools === "strip",
});

const speaks = ({ source }: Offer, { operation, dialect }: ChatRequest) =>
  operation === "embeddings" ? source.engine !== "anthropic" : source.dialects.includes(dialect);
const engineDialect = (offer: Offer) => offer.source.dialects[0] as Dialect;

function relayed(chat: ChatRequest, offer: Offer, url: string): Exchange {
  const { dialect } = chat;
  const query = url.indexOf("?");
  const { streamReply, heldReply } = chat.operation === "embeddings" ? EMBEDDINGS : REPLIES[dialect];
  return {
    path: chat.operation === "embeddings" ? "/embeddings" : PATHS[dialect] + (query < 0 ? "" : url.slice(query)),
    body: bodyFor(chat, needsOf(offer)),
    engine: dialect,
    streamReply,
    heldReply,
    dropped: undefined,
  };
}

/** Where the engine speaks the client's dialect. */
type Replies = Pick<Exchange, "streamReply" | "heldReply">;
const passed = (dialect: Dialect): Replies => ({
  streamReply: (...reply) => createDialectStream({ engine: dialect, client: dialect }, ...reply),
  heldReply: (...reply) => createHeldReply(...reply, concludeAs({ engine: dialect, client: dialect }), dialect),
});
const REPLIES: Record<Dialect, Replies> = {
  "openai-chat": { streamReply: createStreamReply, heldReply: createHeldReply },
  "openai-responses": passed("openai-responses"),
  "anthropic-messages": passed("anthropic-messages"),
};
const heldEmbeddings: OpenReply = (...reply) => createHeldReply(...reply, concludeEmbeddings);
const EMBEDDINGS: Replies = { streamReply: heldEmbeddings, heldReply: heldEmbeddings };

/** Names and values in turn, besides those of the client that pass. */
export function engineHeaders(engine: Dialect, { apiKey }: Upstream, client: IncomingHttpHeaders): string[] {
  const headers = apiKey === undefined ? [] : ["x-api-key", apiKey];
  return engine === "anthropic-messages" && client["anthropic-version"] === undefined
    ? [...headers, "anthropic-version", ANTHROPIC_VERSION]
    : headers;
}

/**
 * The offers that can be asked this at all, and why the others cannot. Where all speak the client's dialect nothing is parsed;
 * else the translation is made here already, since what it refuses decides who can serve.
 * @throws HttpError 400 where nobody is left
 */
export function fit(
  chat: ChatRequest,
  all: readonly Offer[],
  exchanges: Exchanges,
): { offers: readonly Offer[]; unfit: DecisionCandidate[] } {
  const unfit: DecisionCandidate[] = [];
  if (all.every((offer) => speaks(offer, chat) && !offer.source.callerCredentials && offer.tools !== "refuse"))
    return { offers: all, unfit };
  let refusal: HttpError | undefined;
  const offers = all.filter((offer) => {
    const reason = exchanges.unfit(offer);
    if (!reason) return true;
    refusal ??= reason;
    unfit.push({ pool: offer.pool, model: offer.model, silicon: offer.silicon, rejected: reason.message });
    return false;
  });
  if (offers.length === 0 && refusal) throw refusal;
  return { offers, unfit: unfit.slice(0, MAX_UNFIT) };
}
