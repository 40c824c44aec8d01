import { setTimeout as sleep } from "node:timers/promises";

/** Polls until the condition holds; rejects with `what` after `timeoutMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await condition()); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
  }
}

const STORED_WITHIN_MS = 15_000;

/** Reads a session's spans until they satisfy `enough` and no more come for most of a second; rejects with what there is after 15 s. */
export async function settled<Span extends { name: string; is_call: boolean }>(
  session: string,
  read: () => Promise<Span[]>,
  enough: (spans: Span[]) => boolean,
): Promise<Span[]> {
  const deadline = Date.now() + STORED_WITHIN_MS;
  for (let last = -1; ; await sleep(700)) {
    const spans = await read();
    if (enough(spans) && spans.length === last) return spans;
    if (Date.now() > deadline) {
      const calls = spans.filter((span) => span.is_call).length;
      const names = spans.map(({ name }) => name).join(", ");
      throw new Error(`session ${session} is not complete after ${STORED_WITHIN_MS / 1000} s: ${calls} calls among ${names}`);
    }
    last = spans.length;
  }
}
