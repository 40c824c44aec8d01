import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Where a command writes for a human. */
export interface Terminal {
  /** text in colour where the stream can show it (a TTY, NO_COLOR unset) */
  style(style: Style, text: string): string;
  line(text?: string): void;
  /** A line for work that goes on: on a TTY it counts seconds in place, elsewhere it appears only when it gets long. */
  begin(name: string, hint?: string): Step;
}

export interface Step {
  /** Says how far it is, beside the seconds. */
  update(progress: string): void;
  done(detail?: string): void;
  /** Takes the line away without a result. */
  cancel(): void;
}

type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

const NAME_WIDTH = 16;
const DETAIL_WIDTH = 34;
/** Without a TTY: work longer than this is announced, then reported again and again. */
const SAY_AFTER_MS = 3_000;
const SAY_EVERY_MS = 10_000;

export function createTerminal(out: Output): Terminal {
  const style = (name: Style, text: string) => styleText(name, text, { stream: out as NodeJS.WriteStream });
  let current: { erase(): void; draw(): void } | undefined;
  const line = (text = "") => {
    current?.erase();
    out.write(`${text}\n`);
    current?.draw();
  };

  const begin = (name: string, hint?: string): Step => {
    const startedAt = performance.now();
    const elapsed = () => performance.now() - startedAt;
    let note = hint === undefined ? "" : `  ${hint}`;
    const stopShowing = out.isTTY ? showInPlace() : sayNowAndThen();

    function showInPlace(): () => void {
      const draw = () => {
        const text = `  … ${name.padEnd(NAME_WIDTH)} ${formatDuration(elapsed())}${note}`;
        out.write(`\r\x1b[2K${style("dim", text.slice(0, (out.columns || 80) - 1))}`);
      };
      current = { draw, erase: () => out.write("\r\x1b[2K") };
      draw();
      const timer = setInterval(draw, 200);
      return () => {
        clearInterval(timer);
        current?.erase();
        current = undefined;
      };
    }

    function sayNowAndThen(): () => void {
      const say = () => out.write(`  … ${name.padEnd(NAME_WIDTH)} ${formatDuration(elapsed())} so far${note}\n`);
      let timer = setTimeout(function again() {
        say();
        timer = setTimeout(again, SAY_EVERY_MS);
      }, SAY_AFTER_MS);
      return () => clearTimeout(timer);
    }

    return {
      update(progress) {
        note = `  ${progress}`;
      },
      done(detail = "") {
        stopShowing();
        const text = `${name.padEnd(NAME_WIDTH)} ${style("dim", detail.padEnd(DETAIL_WIDTH))} ${formatDuration(elapsed()).padStart(8)}`;
        line(`  ${style("green", "✓")} ${text}`);
      },
      cancel: stopShowing,
    };
  };

  return { style, line, begin };
}

/** "2026-11-22 09:12:33", by this machine's clock. @param at RFC 3339 */
export const formatLocal = (at: string): string => new Date(at).toLocaleString("sv-SE");

/** "84 ms", "2.1 s", "1 min 5 s". */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
