import { paths } from "../../../src/paths.ts";
import { LOGIN_SECONDS, loginCookieName, makeLoginCookie } from "../../../src/server/auth.ts";
import { log } from "../../../src/server/log.ts";
import { redeemLoginToken } from "../../../src/server/login-tokens.ts";

export const dynamic = "force-dynamic";

/** `/login?token=…` (proxy.ts sends it here): trades the one-time token for the login cookie, and leaves it out of the address. */
export async function GET(request: Request): Promise<Response> {
  // a browser that fetches ahead must not use the token up
  if (/prefetch|preview/i.test(`${request.headers.get("sec-purpose")} ${request.headers.get("purpose")}`))
    return new Response(null, { status: 204 });
  const token = new URL(request.url).searchParams.get("token") ?? "";
  const outcome = await redeemLoginToken(token).catch((error: unknown) => {
    log("error", "login token could not be redeemed", { error: error instanceof Error ? error.message : String(error) });
    return "used" as const;
  });
  if (outcome !== "ok") return redirect(paths.login({ reason: outcome }));

  const response = comesFromElsewhere(request.headers) ? hop(paths.overview()) : redirect(paths.overview());
  response.headers.append(
    "set-cookie",
    `${loginCookieName()}=${makeLoginCookie(Date.now())}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${LOGIN_SECONDS}`,
  );
  return response;
}

const redirect = (location: string) => new Response(null, { status: 303, headers: { location, "cache-control": "no-store" } });

const comesFromElsewhere = (headers: Headers) => ["cross-site", "same-site"].includes(headers.get("sec-fetch-site") ?? "");

/** A link clicked on another site: a redirect would still count as that site's, and the strict cookie would not be sent. Our own page navigates instead. */
const hop = (location: string) =>
  new Response(`<!doctype html><meta http-equiv="refresh" content="0;url=${location}"><title>Signalbox</title>`, {
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
