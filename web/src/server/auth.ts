import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { environment } from "./environment.ts";

/** How long a login in one browser holds. */
export const LOGIN_SECONDS = 30 * 24 * 3600;

/** Cookies ignore ports: the port in the name keeps two installs on one machine apart. */
export const loginCookieName = () => `signalbox_login_${environment.port()}`;

function sign(payload: string, token: string): string {
  return createHmac("sha256", token).update(`signalbox-login:${payload}`).digest("base64url");
}

function equal(left: string, right: string): boolean {
  // hashed first: equal lengths for timingSafeEqual, and the length of the secret stays hidden
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

/** A cookie value that says "logged in until" and cannot be made without the admin token: changing that token logs everyone out. */
export function makeLoginCookie(now: number, token = environment.token()): string {
  const payload = `${Math.floor(now / 1000) + LOGIN_SECONDS}.${randomBytes(9).toString("base64url")}`;
  return `${payload}.${sign(payload, token)}`;
}

export function isLoginCookie(value: string | undefined, now: number, token = environment.token()): boolean {
  if (!value || token === "") return false;
  const cut = value.lastIndexOf(".");
  const payload = value.slice(0, cut);
  return cut > 0 && Number.parseInt(payload, 10) * 1000 > now && equal(value.slice(cut + 1), sign(payload, token));
}

export function isBearer(header: string | null, token = environment.token()): boolean {
  const match = header?.match(/^Bearer +(\S+)$/i);
  return token !== "" && match?.[1] !== undefined && equal(match[1], token);
}

/** True where a state-changing request comes from our own pages or carries the bearer token: another site's form has neither. */
export function isSameOrigin(headers: Headers): boolean {
  if (headers.get("authorization") !== null) return true;
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = headers.get("origin");
  if (origin === null) return false;
  try {
    return new URL(origin).host === headers.get("host");
  } catch {
    return false;
  }
}
