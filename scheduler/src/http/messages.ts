/** A client's request and its reply, as every endpoint sees them: node:http's, or those of the hot path. */

import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { WireRequest } from "./wire/request.ts";

export type ClientRequest = IncomingMessage | WireRequest;

/** It answers every request itself. */
export type Handler = (request: ClientRequest, response: ClientReply) => Promise<void>;
/** The same for what node:http alone serves. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface ClientReply {
  readonly req: { readonly headers: IncomingHttpHeaders };
  readonly statusCode: number;
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers?: OutgoingHttpHeaders): unknown;
  flushHeaders(): void;
  /** @returns false while the client is slower than we are: `drain` says when it has caught up */
  write(chunk: Buffer | string): boolean;
  end(chunk?: Buffer | string): unknown;
  destroy(): unknown;
  /** `close`: the reply has been sent, or the client has left. */
  on(event: "close", listener: () => void): unknown;
  once(event: "drain", listener: () => void): unknown;
}
