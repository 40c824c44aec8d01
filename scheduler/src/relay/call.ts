/** One client's request on its way: who waits for it, and what is noted about it. */

import type { Socket } from "node:net";
import type { ChatRequest } from "../dialects/chat-request.ts";
import type { HttpError } from "../http/errors.ts";
import type { ClientReply, ClientRequest } from "../http/messages.ts";
import type { Payloads } from "../payloads/payloads.ts";
import type { Offer } from "../pools/pool.ts";
import type { Escalation } from "../resilience/policy.ts";
import type { DecisionRecord } from "../telemetry/record.ts";

/** `error.type` of a call whose client left. */
export const CLIENT_CLOSED = "client_closed";

/** The reason that upstream requests and waits are cancelled with. */
export class ClientGone extends Error {
  constructor() {
    super("the client went away");
  }
}

/** An attempt under way. */
export interface RunningAttempt {
  /** The connection to the engine that it was sent on. */
  readonly socket: Socket | undefined;
  /** Closes that connection. */
  cancel(reason: Error): void;
}

export interface Call {
  request: ClientRequest;
  response: ClientReply;
  chat: ChatRequest;
  record: DecisionRecord;
  /** Takes the bytes of each attempt; undefined where they are not kept. */
  payloads: Payloads | undefined;
  /** The client closed its connection before the reply was complete, or the call was stopped. */
  gone: boolean;
  /** Why it was stopped; undefined where the client left. */
  stopped: HttpError | undefined;
  /**
   * What to cancel when that happens. Where it is set for every call it is a function of the module: a closure here kept all that it
   * sees, 6 KB a call, through minor garbage collections.
   */
  onGone: ((call: Call) => void) | undefined;
  /** Asked before another attempt, where a budget applies: sets aside what this one may cost besides what the others may have. */
  mayRetry: ((next: Offer) => Promise<boolean>) | undefined;
  /** Which answers of this route are bad; undefined where none is judged. */
  escalation: Escalation | undefined;
  /** Is there a higher tier that could be asked? */
  mayEscalate: (() => boolean) | undefined;
  /** It waits for a slot, or holds one. */
  place: "none" | "line" | "slot";
  /** Attempts that hold a slot. */
  running: RunningAttempt[];
}

export function openCall(
  request: ClientRequest,
  response: ClientReply,
  chat: ChatRequest,
  record: DecisionRecord,
  payloads?: Payloads,
): Call {
  const call: Call = {
    request,
    response,
    chat,
    record,
    payloads,
    gone: response.destroyed,
    stopped: undefined,
    onGone: undefined,
    mayRetry: undefined,
    escalation: undefined,
    mayEscalate: undefined,
    place: "none",
    running: [],
  };
  response.on("close", () => {
    if (response.writableFinished || call.gone) return;
    call.gone = true;
    call.onGone?.(call);
  });
  return call;
}

/** Ends a call whose client is still there: its wait or its attempt is cancelled at once, and it is answered with the reason. */
export function cancel(call: Call, reason: HttpError): void {
  if (call.gone) return;
  call.stopped = reason;
  call.gone = true;
  call.onGone?.(call);
}

/** What a call that is `gone` ends with. */
export const endOf = (call: Call): Error => call.stopped ?? new ClientGone();
