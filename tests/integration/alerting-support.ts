import { startCollector } from "../../collector-processor/src/app.ts";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { TOKEN } from "./admission-support.ts";
import { NOW, post, request, span, type TestSpan, untilReady } from "./collector-support.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let lastSpan = 1;

/** A collector that evaluates rules, by the real clock. */
export async function alertingCollector(databaseUrl: string, { schedulerUrl = "http://127.0.0.1:9", yaml = "" } = {}) {
  const environment = { SIGNALBOX_TOKEN: TOKEN, SIGNALBOX_SCHEDULER_URL: schedulerUrl };
  const config = parseConfig(`collector: { alerting: { lease_ms: 1000, ${yaml} } }`, "test.yaml", environment);
  const collector = await startCollector({ host: "127.0.0.1", port: 0, databaseUrl, config, log: silent });
  await untilReady(collector.url);
  return collector;
}

/** Asks for a change; throws what was refused. */
export async function change<T = Record<string, string>>(url: string, path: string, body: object = {}): Promise<T> {
  const response = await fetch(`${url}/control/alerts/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as T & { error?: { message: string } };
  if (!response.ok) throw new Error(`${response.status}: ${answer.error?.message}`);
  return answer;
}

/** Sends spans that start so many milliseconds from now. */
export async function sendNow(url: string, spans: (Omit<TestSpan, "trace" | "id"> & { trace?: number })[]): Promise<void> {
  const now = Date.now() - NOW;
  const made = spans.map(({ at = 0, ...rest }) => span({ trace: 1, id: ++lastSpan, ...rest, at: now + at }));
  const { status } = await post(url, request(made));
  if (status !== 200) throw new Error(`the collector answered ${status}`);
}

export const call = (session: string, usd: number, more: Partial<TestSpan> = {}) => ({
  name: "chat",
  ...more,
  attributes: {
    "session.id": session,
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "scripted",
    "signalbox.cost.nanousd": Math.round(usd * 1e9),
    "signalbox.cost.source": "reported",
    ...more.attributes,
  },
});

export const spawned = (session: string, agent: string, more: Partial<TestSpan> = {}) => ({
  name: "invoke_agent",
  ...more,
  attributes: {
    "session.id": session,
    "gen_ai.operation.name": "invoke_agent",
    "signalbox.agent.id": agent,
    "signalbox.agent.parent_id": session,
  },
});

export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined, what: string, seconds = 30): Promise<T> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; ) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: not within ${seconds} s`);
}
