/** A conversation with an app-server, JSON-RPC one message a text, whatever carries it. */

export interface AppServer {
  /** Rejects with what it answered as an error, and where it ends or says nothing within `timeoutMs` (default 20,000). */
  call<Result>(method: string, params: unknown, timeoutMs?: number): Promise<Result>;
  /** Ends the conversation, and the process where it is ours, and waits for it. */
  close(): Promise<void>;
}

interface Message {
  id?: number;
  result?: unknown;
  error?: { message?: string };
}

/** An error that the app-server answered, as opposed to one of reaching it. */
export class AppServerError extends Error {
  override readonly name = "AppServerError";
}

export interface Conversation extends Pick<AppServer, "call"> {
  /** Says who we are, and which of what is not for every client we ask for. Rejects as `call` does. */
  begin(capabilities?: object, timeoutMs?: number): Promise<void>;
  /** A message has come. */
  take(text: string): void;
  /** Nothing will come any more. */
  end(error: Error): void;
}

/** @param send takes a message whole */
export function converse(send: (text: string) => void): Conversation {
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  let ended: Error | undefined;
  let calls = 0;
  const conversation: Conversation = {
    async begin(capabilities, timeoutMs) {
      await conversation.call("initialize", { clientInfo: { name: "signalbox", version: "0.1.0" }, capabilities }, timeoutMs);
      send(JSON.stringify({ method: "initialized" }));
    },
    take(text) {
      const { id, result, error } = parseMessage(text);
      const call = id === undefined ? undefined : waiting.get(id);
      if (error) call?.reject(new AppServerError(error.message ?? "codex app-server answered an error"));
      else call?.resolve(result);
    },
    end(error) {
      ended ??= error;
      for (const { reject } of waiting.values()) reject(ended);
    },
    call<Result>(method: string, params: unknown, timeoutMs = 20_000) {
      const id = ++calls;
      return new Promise<Result>((resolve, reject) => {
        if (ended !== undefined) return reject(ended);
        const settle = (settled: () => void) => {
          clearTimeout(timer);
          waiting.delete(id);
          settled();
        };
        const fail = (error: Error) => settle(() => reject(error));
        const timer = setTimeout(() => fail(new Error(`codex app-server did not answer ${method} in ${timeoutMs} ms`)), timeoutMs);
        waiting.set(id, { resolve: (result) => settle(() => resolve(result as Result)), reject: fail });
        send(JSON.stringify({ id, method, params }));
      });
    },
  };
  return conversation;
}

function parseMessage(text: string): Message {
  try {
    return JSON.parse(text) as Message;
  } catch {
    return {};
  }
}
