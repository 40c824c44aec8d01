/** Copies of one Ctrl-C: the terminal signals the whole process group, and npm and our launcher pass theirs on. */
const SAME_PRESS_MS = 500;

/** Calls `onStop(1)` on the first SIGINT, SIGTERM or SIGHUP, `onStop(2)` on the next one that is not a copy of it, and so on. */
export function onStopSignals(onStop: (times: number) => void, now: () => number = () => performance.now()): void {
  let times = 0;
  let last = Number.NEGATIVE_INFINITY;
  const press = () => {
    const at = now();
    if (at - last < SAME_PRESS_MS) return;
    last = at;
    onStop(++times);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, press);
}
