import type { PartEvent, UpEvent } from "@signalbox/local";
import { formatDuration, type Step, type Terminal } from "./terminal.ts";

/** After a part's first warning, further ones are counted and summed up at most this often. */
const SUMMARY_EVERY_MS = 30_000;

export interface UpEvents {
  report(event: UpEvent): void;
  /** Stops timers and takes an unfinished step's line away. */
  end(): void;
}

/** Shows what `up` reports, a line an event. `quiet` leaves out the steps that went well. */
export function showUpEvents(terminal: Terminal, { quiet }: { quiet: boolean }): UpEvents {
  let step: Step | undefined;
  const warnings = new Map<string, { unsaid: number; last: string; timer: NodeJS.Timeout }>();
  const problem = (text: string) => terminal.line(`  ${terminal.style("yellow", "!")} ${text}`);

  const warn = (name: string, line: string, logPath: string) => {
    const text = withoutTime(line);
    const seen = warnings.get(name);
    if (seen) {
      seen.unsaid++;
      seen.last = text;
      return;
    }
    problem(`${name}: ${text}`);
    const timer = setInterval(() => {
      const entry = warnings.get(name);
      if (!entry) return;
      if (entry.unsaid > 0)
        problem(`${name}: ${entry.unsaid} more warnings, the last: ${entry.last} ${terminal.style("dim", `(${logPath})`)}`);
      else {
        clearInterval(timer);
        warnings.delete(name);
      }
      entry.unsaid = 0;
    }, SUMMARY_EVERY_MS).unref();
    warnings.set(name, { unsaid: 0, last: text, timer });
  };

  const onPart = (name: string, event: PartEvent, logPath: string) => {
    if (event.kind === "warning") warn(name, event.line, logPath);
    else if (event.kind === "died")
      problem(`${name} died (${event.how}); starting it again in ${formatDuration(event.restartInMs)}. Its log: ${logPath}`);
    else if (event.kind === "back") problem(`${name} is back after ${formatDuration(event.afterMs)}.`);
    else if (event.kind === "gave-up") {
      problem(
        `${name} died ${event.deaths} times in a row (${event.how}) and is not started again. The rest goes on without it${event.lastLines.length > 0 ? "; its last words:" : "."}`,
      );
      for (const line of event.lastLines) terminal.line(`      ${line}`);
      problem(`Mend the cause, then Ctrl-C and start again. Its log: ${logPath}`);
    }
  };

  return {
    report(event) {
      if (event.kind === "step" && !quiet) step = terminal.begin(event.name, event.hint);
      else if (event.kind === "step-done" && !quiet) {
        step?.done(event.detail);
        step = undefined;
      } else if (event.kind === "note") problem(event.text);
      else if (event.kind === "part") onPart(event.name, event.event, event.logPath);
      else if (event.kind === "postgres") {
        if (event.event.kind === "died") problem("Postgres died; starting it again.");
        else if (event.event.kind === "back") problem("Postgres is back.");
        else problem(`Postgres does not start: ${event.event.reason}. Trying again.`);
      }
    },
    end() {
      step?.cancel();
      step = undefined;
      for (const { timer } of warnings.values()) clearInterval(timer);
      warnings.clear();
    },
  };
}

/** A part's log line without its time stamp; our reader sees it as it happens. */
function withoutTime(line: string): string {
  return line
    .replace(/^\d{4}-\d\d-\d\dT\S+ (warn|error) (\S+ )?/, "")
    .trim()
    .slice(0, 300);
}
