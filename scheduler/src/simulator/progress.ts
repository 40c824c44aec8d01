/** A bar on a terminal; elsewhere nothing, or a line a percent for a program that reads it. */

export interface Progress {
  /** How many of the current play are placed. */
  at(placed: number): void;
  finished(play: number): void;
  end(): void;
}

const WIDTH = 30;

export function showProgress(out: NodeJS.WritableStream & { isTTY?: boolean }, total: number, lines: boolean): Progress {
  let before = 0;
  let shown = -1;
  const draw = (done: number) => {
    const percent = Math.floor((100 * done) / Math.max(1, total));
    if (percent === shown || !(out.isTTY || lines)) return;
    shown = percent;
    if (lines) return void out.write(`progress ${percent}\n`);
    const filled = Math.round((WIDTH * percent) / 100);
    out.write(`\r  [${"█".repeat(filled)}${"·".repeat(WIDTH - filled)}] ${percent} %`);
  };
  return {
    at: (placed) => draw(before + placed),
    finished(play) {
      before += play;
      draw(before);
    },
    end: () => void (out.isTTY && !lines && out.write("\r\x1b[2K")),
  };
}
