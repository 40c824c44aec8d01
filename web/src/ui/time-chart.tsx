"use client";
import { type KeyboardEvent, type PointerEvent, useEffect, useId, useRef, useState } from "react";
import { axisSteps, type TimeSeries } from "../model/cost-view.ts";
import { type Coloured, seriesLooks } from "./series-color.ts";
import { formatTime, useTimeZone } from "./time.tsx";

const HEIGHT = 260;
const MARGIN = { top: 10, right: 8, bottom: 24, left: 56 };

/** Stacked bars, or a line a series. Hand-drawn: it is two loops, and a chart library is a hundred kilobytes. */
export function TimeChart({
  data,
  kind,
  format,
  formatAxis,
  label,
  picked = null,
  onPick,
}: {
  data: TimeSeries;
  kind: "stack" | "lines";
  format: (value: number) => string;
  formatAxis: (value: number) => string;
  label: string;
  /** The start of the bucket that stands out, and what a click or Enter on a bucket does. */
  picked?: number | null;
  onPick?: (time: number) => void;
}) {
  const [box, width] = useWidth();
  const [at, setAt] = useState<number | null>(null);
  const timeZone = useTimeZone();
  const looks = seriesLooks(data.series);
  const count = data.times.length;
  const plot = { width: Math.max(0, width - MARGIN.left - MARGIN.right), height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const tops = data.times.map((_, index) =>
    kind === "stack"
      ? data.series.reduce((sum, series) => sum + (series.values[index] ?? 0), 0)
      : Math.max(0, ...data.series.map((series) => series.values[index] ?? 0)),
  );
  const steps = axisSteps(Math.max(0, ...tops));
  const y = (value: number) => MARGIN.top + plot.height * (1 - value / (steps.at(-1) ?? 1));
  const slot = plot.width / Math.max(1, count);
  const x = (index: number) => MARGIN.left + slot * index;
  const dayStyle = data.bucketMs >= 6 * 3_600_000;

  const point = (event: PointerEvent<SVGSVGElement>) => {
    const index = Math.floor((event.clientX - event.currentTarget.getBoundingClientRect().left - MARGIN.left) / slot);
    setAt(index >= 0 && index < count ? index : null);
  };
  const step = (event: KeyboardEvent) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (move) {
      event.preventDefault();
      setAt((now) => Math.min(count - 1, Math.max(0, (now ?? count) + move)));
    } else if (event.key === "Enter" && onPick && at !== null) {
      event.preventDefault();
      onPick(data.times[at] ?? 0);
    } else if (event.key === "Escape") setAt(null);
  };

  return (
    <div ref={box} className="relative" style={{ height: HEIGHT }}>
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT}
          role="application"
          aria-roledescription="chart"
          aria-label={`${label}. Arrow keys step through the time; ${onPick ? "Enter picks one" : "the table below has the totals"}.`}
          tabIndex={0}
          onPointerMove={point}
          onPointerLeave={() => setAt(null)}
          onKeyDown={step}
          onClick={() => at !== null && onPick?.(data.times[at] ?? 0)}
          onBlur={() => setAt(null)}
          className={onPick ? "block cursor-pointer rounded-md" : "block rounded-md"}
        >
          {steps.map((value) => (
            <g key={value}>
              <line
                x1={MARGIN.left}
                x2={width - MARGIN.right}
                y1={y(value)}
                y2={y(value)}
                stroke="var(--line)"
                shapeRendering="crispEdges"
              />
              <text x={MARGIN.left - 8} y={y(value) + 4} textAnchor="end" className="tabular fill-ink-3 text-xs">
                {formatAxis(value)}
              </text>
            </g>
          ))}
          {tickIndexes(count, plot.width).map((index) => (
            <text key={index} x={x(index) + slot / 2} y={HEIGHT - 6} textAnchor="middle" className="tabular fill-ink-3 text-xs">
              {formatTime(data.times[index] ?? 0, timeZone, dayStyle ? "day" : "minute")}
            </text>
          ))}
          {picked !== null && data.times.includes(picked) && (
            <rect
              data-picked={picked}
              x={x(data.times.indexOf(picked)) + 0.5}
              y={MARGIN.top - 6}
              width={Math.max(2, slot - 1)}
              height={plot.height + 6}
              rx={3}
              fill="var(--ink)"
              fillOpacity={0.07}
              stroke="var(--ink-3)"
            />
          )}
          {at !== null && <rect x={x(at)} y={MARGIN.top} width={slot} height={plot.height} fill="var(--ink)" opacity={0.06} />}
          {kind === "stack" ? (
            <Stack data={data} looks={looks} x={x} y={y} slot={slot} />
          ) : (
            <Lines data={data} looks={looks} x={(index) => x(index) + slot / 2} y={y} />
          )}
        </svg>
      )}
      {at !== null && (
        <Reading
          title={formatTime(data.times[at] ?? 0, timeZone, "dayhour")}
          rows={data.series.map((series, index) => ({
            key: series.key,
            name: series.detail ? `${series.label} · ${series.detail}` : series.label,
            value: series.values[at] ?? 0,
            look: looks[index],
          }))}
          total={data.series.reduce((sum, series) => sum + (series.values[at] ?? 0), 0)}
          format={format}
          style={x(at) > width / 2 ? { right: width - x(at) + 8 } : { left: x(at) + slot + 8 }}
        />
      )}
    </div>
  );
}

function Stack({
  data,
  looks,
  x,
  y,
  slot,
}: {
  data: TimeSeries;
  looks: readonly Coloured[];
  x: (index: number) => number;
  y: (value: number) => number;
  slot: number;
}) {
  const id = useId();
  const gap = slot > 6 ? Math.min(4, slot * 0.22) : 0.5;
  const base = data.times.map(() => 0);
  return (
    <>
      <defs>
        {looks.map((look, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: one a series, in their order
          <Pattern key={index} id={`${id}${index}`} look={look} />
        ))}
      </defs>
      {data.series.map((series, order) => (
        <g key={series.key} data-series={series.key} fill={looks[order]?.pattern === "solid" ? looks[order]?.color : `url(#${id}${order})`}>
          {series.values.map((value, index) => {
            const from = base[index] ?? 0;
            base[index] = from + value;
            if (value <= 0) return null;
            const top = y(from + value);
            return (
              <rect
                key={data.times[index]}
                x={x(index) + gap / 2}
                y={top}
                width={Math.max(1, slot - gap)}
                height={Math.max(0.75, y(from) - top - 0.75)}
                rx={slot > 10 ? 1.5 : 0}
              />
            );
          })}
        </g>
      ))}
    </>
  );
}

function Lines({
  data,
  looks,
  x,
  y,
}: {
  data: TimeSeries;
  looks: readonly Coloured[];
  x: (index: number) => number;
  y: (value: number) => number;
}) {
  return data.series.map((series, order) => (
    <polyline
      key={series.key}
      data-series={series.key}
      points={series.values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}
      fill="none"
      stroke={looks[order]?.color}
      strokeWidth={1.75}
      strokeDasharray={looks[order]?.dash}
      strokeLinejoin="round"
    />
  ));
}

function Pattern({ id, look }: { id: string; look: Coloured }) {
  return (
    <pattern
      id={id}
      width="6"
      height="6"
      patternUnits="userSpaceOnUse"
      patternTransform={look.pattern === "stripe" ? "rotate(45)" : undefined}
    >
      <rect width="6" height="6" fill={look.color} />
      {look.pattern === "stripe" && <rect width="2" height="6" fill="var(--surface)" opacity="0.55" />}
      {look.pattern === "dot" && <circle cx="3" cy="3" r="1.2" fill="var(--surface)" opacity="0.7" />}
      {look.pattern === "grid" && <path d="M0 0h6M0 0v6" stroke="var(--surface)" strokeWidth="1.5" opacity="0.6" />}
    </pattern>
  );
}

function Reading({
  title,
  rows,
  total,
  format,
  style,
}: {
  title: string;
  rows: { key: string; name: string; value: number; look: Coloured | undefined }[];
  total: number;
  format: (value: number) => string;
  style: { left?: number; right?: number };
}) {
  const shown = rows.filter((row) => row.value > 0).sort((left, right) => right.value - left.value);
  return (
    <div
      role="status"
      className="pointer-events-none absolute top-2 z-10 min-w-44 max-w-xs rounded-md border border-line bg-raised px-3 py-2 text-sm shadow-pop"
      style={style}
    >
      <div className="tabular flex justify-between gap-4 font-medium">
        <span>{title}</span>
        <span>{format(total)}</span>
      </div>
      {shown.length === 0 && <div className="text-ink-2">nothing</div>}
      {shown.map((row) => (
        <div key={row.key} className="tabular mt-0.5 flex items-center gap-2 text-ink-2">
          <Swatch look={row.look} />
          <span className="min-w-0 flex-1 truncate">{row.name}</span>
          <span>{format(row.value)}</span>
        </div>
      ))}
    </div>
  );
}

/** The look of a series as a small box: for legends and tables. */
export function Swatch({ look }: { look: Coloured | undefined }) {
  const id = useId();
  if (!look) return null;
  return (
    <svg width="10" height="10" className="shrink-0 rounded-[2px]" aria-hidden>
      {look.pattern !== "solid" && (
        <defs>
          <Pattern id={id} look={look} />
        </defs>
      )}
      <rect width="10" height="10" fill={look.pattern === "solid" ? look.color : `url(#${id})`} />
    </svg>
  );
}

function tickIndexes(count: number, width: number): number[] {
  const every = Math.max(1, Math.ceil(count / Math.max(2, Math.floor(width / 90))));
  return Array.from({ length: Math.ceil(count / every) }, (_, index) => index * every);
}

function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}
