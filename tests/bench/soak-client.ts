/** Clients of the soak: three dialects, whole replies and streams, some of which leave before the end. */

import http from "node:http";

const QUESTION = "Which pool served me? Answer with its name.";
const shapes = (["/v1/chat/completions", "/v1/messages", "/v1/responses"] as const).flatMap((path) =>
  [false, true].map((stream) => {
    const messages = [{ role: "user", content: QUESTION }];
    const asked = path === "/v1/responses" ? { input: QUESTION } : { messages, max_tokens: 64 };
    // The mock looks for it at the end.
    return { path, body: JSON.stringify({ model: "bench", ...asked, stream }) };
  }),
);

export interface Counts {
  sent: number;
  answered: number;
  left: number;
  /** Of those that stayed: by status, or by what broke the connection. */
  failed: Record<string, number>;
  /** Due while too many were under way. */
  skipped: number;
}

export interface Clients {
  readonly counts: Readonly<Counts>;
  readonly underWay: number;
  /** Sends one request of a random shape. */
  send(): void;
  /** Closes their connections. */
  close(): void;
}

const MAX_UNDER_WAY = 256;
/** The longest that one who leaves stays. */
const LEAVE_WITHIN_MS = 30;

/** @param leaving share of the requests whose client leaves at random; @param onEnd after each one */
export function createClients(url: string, leaving: number, onEnd: () => void = () => {}): Clients {
  const agent = new http.Agent({ keepAlive: true, maxSockets: MAX_UNDER_WAY });
  const counts: Counts = { sent: 0, answered: 0, left: 0, failed: {}, skipped: 0 };
  let underWay = 0;

  function send(): void {
    if (underWay >= MAX_UNDER_WAY) {
      counts.skipped++;
      return;
    }
    const { path, body } = shapes[Math.floor(Math.random() * shapes.length)] as (typeof shapes)[number];
    let outcome = "cut";
    counts.sent++;
    underWay++;
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = http.request(`${url}${path}`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => {
        outcome = response.statusCode === 200 ? "answered" : String(response.statusCode);
      });
    });
    request.once("error", (error: NodeJS.ErrnoException) => {
      if (outcome === "cut") outcome = error.code ?? error.message;
    });
    request.once("close", () => {
      clearTimeout(leave);
      underWay--;
      if (outcome === "answered" || outcome === "left") counts[outcome]++;
      else counts.failed[outcome] = (counts.failed[outcome] ?? 0) + 1;
      onEnd();
    });
    const leave =
      Math.random() < leaving
        ? setTimeout(() => {
            outcome = "left";
            request.destroy();
          }, Math.random() * LEAVE_WITHIN_MS)
        : undefined;
    request.end(body);
  }

  return {
    counts,
    get underWay() {
      return underWay;
    },
    send,
    close: () => agent.destroy(),
  };
}
