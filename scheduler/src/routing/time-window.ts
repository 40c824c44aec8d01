/** Is it that time of day and week there? Zones and their summer time are the platform's (Intl). */

import { type TimeWindowConfig, WEEKDAYS } from "../config/time-schema.ts";

type Weekday = (typeof WEEKDAYS)[number];

/** @param now milliseconds since the epoch */
export type TimeWindow = (now: number) => boolean;

const MINUTE_MS = 60_000;

export function createTimeWindow({ days = [...WEEKDAYS], from, to, timezone }: TimeWindowConfig): TimeWindow {
  const clock = createWallClock(timezone);
  const begin = minutesOf(from);
  const end = minutesOf(to);
  const overnight = end <= begin;

  return (now) => {
    const { weekday, minutes } = clock(now);
    if (!overnight) return days.includes(weekday) && minutes >= begin && minutes < end;
    // What began yesterday may still be on.
    if (minutes >= begin) return days.includes(weekday);
    return minutes < end && days.includes(dayBefore(weekday));
  };
}

interface WallTime {
  weekday: Weekday;
  /** Since midnight. */
  minutes: number;
}

/** Formatting takes 2 µs: a minute's answer is kept. */
function createWallClock(timeZone: string): (now: number) => WallTime {
  const format = new Intl.DateTimeFormat("en-US", { timeZone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  let minute = Number.NaN;
  let known: WallTime = { weekday: "mon", minutes: 0 };
  return (now) => {
    const current = Math.floor(now / MINUTE_MS);
    if (current !== minute) {
      const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]));
      known = { weekday: parts.weekday?.toLowerCase() as Weekday, minutes: Number(parts.hour) * 60 + Number(parts.minute) };
      minute = current;
    }
    return known;
  };
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return hours * 60 + minutes;
}

const dayBefore = (day: Weekday) => WEEKDAYS[(WEEKDAYS.indexOf(day) + WEEKDAYS.length - 1) % WEEKDAYS.length] as Weekday;
