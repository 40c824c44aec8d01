/** Tells a worker that hangs from one that works: its event loop answers, or does not. */

/** A child process with an IPC channel. */
interface Worker {
  on(event: "message", listener: () => void): unknown;
  send(message: object, sent: () => void): unknown;
}

/** Questions within the time that a worker may be silent. */
const QUESTIONS = 4;

/**
 * Asks again and again over the IPC channel. Silence is counted in questions that were asked, not by a clock: a machine that slept, or
 * a parent that was busy itself, says nothing of the worker.
 * @param onSilent called once
 * @returns to be cleared when the worker has ended
 */
export function watchHeartbeat(worker: Worker, timeoutMs: number, onSilent: () => void): NodeJS.Timeout {
  let unanswered = 0;
  worker.on("message", () => {
    unanswered = 0;
  });
  const timer = setInterval(() => {
    if (unanswered >= QUESTIONS) {
      clearInterval(timer);
      onSilent();
      return;
    }
    unanswered++;
    // Where the channel is closed the worker is about to end.
    worker.send({ type: "alive?" }, () => {});
  }, timeoutMs / QUESTIONS);
  return timer;
}
