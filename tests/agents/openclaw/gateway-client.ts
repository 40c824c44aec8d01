/** A client of OpenClaw's gateway protocol, version 4: one WebSocket, requests and their answers. */
export interface GatewayClient {
  request<T>(method: string, params: object, timeoutMs?: number): Promise<T>;
  close(): void;
}

interface Frame {
  type: string;
  id?: string;
  event?: string;
  ok?: boolean;
  payload?: unknown;
  error?: { message?: string; code?: string };
}

/** Connects and authenticates. Rejects where the socket or the handshake fails within `timeoutMs`. */
export async function gatewayClient(url: string, token: string, timeoutMs = 5_000): Promise<GatewayClient> {
  const socket = new WebSocket(url);
  const pending = new Map<string, { resolve(value: unknown): void; reject(error: Error): void }>();
  let counter = 0;

  const request = <T>(method: string, params: object, limitMs = 30_000): Promise<T> => {
    const id = `r${++counter}`;
    const timer = setTimeout(() => settle(id, (one) => one.reject(new Error(`${method}: no answer within ${limitMs} ms`))), limitMs);
    return new Promise<unknown>((resolve, reject) => {
      pending.set(id, { resolve, reject });
      socket.send(JSON.stringify({ type: "req", id, method, params }));
    }).finally(() => clearTimeout(timer)) as Promise<T>;
  };
  const settle = (id: string, how: (one: { resolve(value: unknown): void; reject(error: Error): void }) => void) => {
    const one = pending.get(id);
    pending.delete(id);
    if (one !== undefined) how(one);
  };

  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.close();
      reject(new Error(`no gateway at ${url} within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.addEventListener("error", () => {
      clearTimeout(timer);
      reject(new Error(`no gateway at ${url}`));
    });
    socket.addEventListener("close", () => {
      for (const id of [...pending.keys()]) settle(id, (one) => one.reject(new Error("the gateway closed the connection")));
    });
    socket.addEventListener("message", (message) => {
      const frame = JSON.parse(String(message.data)) as Frame;
      if (frame.type === "res" && frame.id !== undefined) {
        settle(frame.id, (one) => (frame.ok ? one.resolve(frame.payload) : one.reject(new Error(frame.error?.message ?? "refused"))));
      } else if (frame.type === "event" && frame.event === "connect.challenge") {
        request("connect", {
          minProtocol: 4,
          maxProtocol: 4,
          client: { id: "gateway-client", version: "0.1.0", platform: "linux", mode: "backend" },
          role: "operator",
          scopes: ["operator.read", "operator.write", "operator.admin"],
          caps: [],
          auth: { token },
        }).then(() => {
          clearTimeout(timer);
          resolve();
        }, reject);
      }
    });
  });
  return { request, close: () => socket.close() };
}
