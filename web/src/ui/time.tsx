"use client";
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { epochMs, formatAgo } from "../model/time.ts";
import { classNames } from "./class-names.ts";

const NowContext = createContext(0);

/**
 * One clock for the page. It starts at the server's time, so that server and browser first draw the same, and first moves after five seconds: a change
 * while rows are still on their way would make React throw these away and draw them anew.
 */
export function NowProvider({ initial, children }: { initial: number; children: React.ReactNode }) {
  const [now, setNow] = useState(initial);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && setNow(Date.now()), 5000);
    return () => clearInterval(timer);
  }, []);
  return <NowContext value={now}>{children}</NowContext>;
}
export const useNow = () => useContext(NowContext);

const noChange = () => () => {};
let browserTimeZone: string | undefined;
/** Asked once a page: to make the format that knows it takes longer than to draw a row, and each row with a time asks. */
const timeZoneOfBrowser = () => {
  browserTimeZone ??= Intl.DateTimeFormat().resolvedOptions().timeZone;
  return browserTimeZone;
};
/** The browser's time zone; UTC while the server draws. */
export const useTimeZone = () => useSyncExternalStore(noChange, timeZoneOfBrowser, () => "UTC");

const formats = new Map<string, Intl.DateTimeFormat>();
export function formatTime(ms: number, timeZone: string, style: "tenth" | "time" | "minute" | "day" | "full" | "dayhour"): string {
  const key = `${timeZone} ${style}`;
  let format = formats.get(key);
  if (!format) {
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    const day = { day: "numeric", month: "short" } as const;
    const parts = {
      tenth: { ...clock, second: "2-digit", fractionalSecondDigits: 1 },
      minute: clock,
      time: { ...clock, second: "2-digit" },
      day,
      dayhour: { ...day, ...clock },
      full: { ...day, year: "numeric", ...clock, second: "2-digit", fractionalSecondDigits: 3 },
    } as const;
    format = new Intl.DateTimeFormat("en-GB", { timeZone, ...(parts[style] as Intl.DateTimeFormatOptions) });
    formats.set(key, format);
  }
  return format.format(ms);
}

/** "5 min ago", the full time in its title. */
export function Ago({ time }: { time: string }) {
  const now = useNow();
  const timeZone = useTimeZone();
  return (
    <time dateTime={time} title={`${formatTime(epochMs(time), timeZone, "full")} ${timeZone}`} className="tabular whitespace-nowrap">
      {formatAgo(now - epochMs(time))}
    </time>
  );
}

/** "14:20:54" today, "20 Nov, 14:20" on any other day. */
export function ClockTime({ time, className }: { time: string; className?: string }) {
  const now = useNow();
  const timeZone = useTimeZone();
  const ms = epochMs(time);
  const isToday = formatTime(ms, timeZone, "day") === formatTime(now, timeZone, "day");
  return (
    <time
      dateTime={time}
      title={`${formatTime(ms, timeZone, "full")} ${timeZone}`}
      className={classNames("tabular whitespace-nowrap", className)}
    >
      {formatTime(ms, timeZone, isToday ? "time" : "dayhour")}
    </time>
  );
}
