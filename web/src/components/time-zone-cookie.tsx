"use client";
import { useEffect } from "react";
import { TIME_ZONE_COOKIE } from "../cookies.ts";

/** Tells the server the browser's time zone, so that the first paint of the next page already knows when today began. */
export function TimeZoneCookie() {
  useEffect(() => {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser yet
    document.cookie = `${TIME_ZONE_COOKIE}=${encodeURIComponent(timeZone)}; path=/; max-age=31536000; samesite=lax`;
  }, []);
  return null;
}
