/** Attainment by rate, a line a policy, with error bars: an SVG that needs nothing else. */

import type { Range } from "./summary.ts";

export interface Series {
  name: string;
  points: readonly { x: number; y: Range }[];
}

const WIDTH = 760;
const HEIGHT = 420;
const MARGIN = { left: 64, right: 220, top: 40, bottom: 52 };
/** Okabe and Ito: told apart by the colour-blind too. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555", "#b8a200"];

/** @param y shares, 0 to 1 */
export function attainmentChart(title: string, series: readonly Series[]): string {
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const lowest = Math.min(...series.flatMap(({ points }) => points.map(({ y }) => y.low)));
  const floor = Math.max(0, Math.floor(lowest * 10) / 10 - (lowest === 1 ? 0.1 : 0));
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const x = (value: number) => round(MARGIN.left + (last === first ? 0.5 : (value - first) / (last - first)) * (right - MARGIN.left));
  const y = (value: number) => round(bottom - ((value - floor) / (1 - floor || 1)) * (bottom - MARGIN.top));

  const parts: string[] = [];
  for (let step = 0; step <= 5; step++) {
    const value = floor + ((1 - floor) * step) / 5;
    parts.push(`<line x1="${MARGIN.left}" x2="${right}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>`);
    parts.push(`<text x="${MARGIN.left - 8}" y="${y(value) + 4}" text-anchor="end">${round(value * 100)} %</text>`);
  }
  for (const value of new Set(xs)) parts.push(`<text x="${x(value)}" y="${bottom + 20}" text-anchor="middle">${round(value)}</text>`);
  parts.push(`<text x="${(MARGIN.left + right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">requests a second</text>`);
  parts.push(`<text x="${MARGIN.left}" y="22" font-weight="bold">${escaped(title)}</text>`);
  for (const [index, { name, points }] of series.entries()) {
    const colour = COLOURS[index % COLOURS.length];
    parts.push(
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map((at) => `${x(at.x)},${y(at.y.value)}`).join(" ")}"/>`,
    );
    for (const at of points) {
      parts.push(`<line x1="${x(at.x)}" x2="${x(at.x)}" y1="${y(at.y.low)}" y2="${y(at.y.high)}" stroke="${colour}"/>`);
      parts.push(`<circle cx="${x(at.x)}" cy="${y(at.y.value)}" r="3" fill="${colour}"/>`);
    }
    const line = MARGIN.top + 20 * index;
    parts.push(`<rect x="${right + 20}" y="${line}" width="12" height="12" fill="${colour}"/>`);
    parts.push(`<text x="${right + 38}" y="${line + 10}">${escaped(name)}</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="${escaped(title)}">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}

const round = (value: number) => Math.round(value * 100) / 100;
const escaped = (text: string) => text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
