/** Cookies that remember how someone looks at things. No secrets in them, and nothing from them is trusted. */
export const TIME_ZONE_COOKIE = "signalbox_tz";
export const THEME_COOKIE = "signalbox_theme";

/** The zone that a cookie names, or UTC where it names none that exists. */
export function timeZoneFrom(cookie: string | undefined): string {
  if (!cookie) return "UTC";
  try {
    const name = decodeURIComponent(cookie);
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name;
  } catch {
    return "UTC";
  }
}
