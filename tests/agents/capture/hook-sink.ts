import { listen, parseBody, type RunningServer, readBody } from "./http-server.ts";
import type { Recording } from "./recording.ts";

/** What a hook answers, by what it was told; `undefined` means `{}`. */
export type HookAnswer = (payload: Record<string, unknown>) => Record<string, unknown> | undefined;

/** Receives hook payloads at `POST /http` (sent by the agent) and `POST /command` (forwarded by `forward-hook.ts`). */
export function startHookSink(port: number, recording: Recording, answer: HookAnswer = () => undefined): Promise<RunningServer> {
  return listen(port, async (request, response) => {
    const body = parseBody(await readBody(request));
    const payload = body !== null && typeof body === "object" ? (body as Record<string, unknown>) : {};
    const reply = answer(payload) ?? {};
    recording.add({
      kind: "hook",
      event: String(payload.hook_event_name ?? "unnamed"),
      transport: request.url === "/command" ? "command" : "http",
      body,
      answer: reply,
    });
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
  });
}
