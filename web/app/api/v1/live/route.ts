import { LiveEvent, PING_INTERVAL_MS } from "../../../../src/api/live.ts";
import { liveHub } from "../../../../src/server/live-hub.ts";
import { countLiveConnection, countLiveEvent } from "../../../../src/server/metrics.ts";
import { isAllowed, refuse } from "../../../../src/server/read-route.ts";
import { onShutdown } from "../../../../src/server/shutdown.ts";

export const dynamic = "force-dynamic";

/** Server-sent events: what changed, in batches; see src/api/live.ts. A tab that does not read is cut off, not buffered for. */
const MAX_UNREAD_EVENTS = 64;

export async function GET(request: Request): Promise<Response> {
  if (!isAllowed(request)) return refuse("unauthorized", "log in with the link that `npx signalbox up` prints");
  const encoder = new TextEncoder();
  let leave = () => {};
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let isOpen = true;
        const send = (event: string, data: object) => {
          if (!isOpen) return;
          if ((controller.desiredSize ?? 1) <= 0) return leave();
          controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
          if (event === LiveEvent.ingest) countLiveEvent();
        };
        countLiveConnection(1);
        const unsubscribe = liveHub().subscribe(send);
        const ping = setInterval(() => send(LiveEvent.ping, {}), PING_INTERVAL_MS);
        const forget = onShutdown(() => leave());
        leave = () => {
          if (!isOpen) return;
          isOpen = false;
          clearInterval(ping);
          forget();
          unsubscribe();
          countLiveConnection(-1);
          controller.close();
        };
        request.signal.addEventListener("abort", leave);
      },
      cancel: () => leave(),
    },
    { highWaterMark: MAX_UNREAD_EVENTS },
  );
  return new Response(stream, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" },
  });
}
