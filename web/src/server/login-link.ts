import { type NextRequest, NextResponse } from "next/server";
import { paths } from "../paths.ts";
import { LOGIN_SECONDS, loginCookieName, makeLoginCookie } from "./auth.ts";
import { log } from "./log.ts";
import { redeemLoginToken } from "./login-tokens.ts";

/**
 * Answers `/login?token=…`: trades the one-time token for the login cookie, and leaves it out of the address. Answered by the proxy itself: a
 * rewrite to a route Next sends by HTTP to "localhost", which need not be this server.
 */
export async function redeemLoginLink(request: NextRequest, token: string): Promise<NextResponse> {
  // a browser that fetches ahead must not use the token up
  if (/prefetch|preview/i.test(`${request.headers.get("sec-purpose")} ${request.headers.get("purpose")}`))
    return new NextResponse(null, { status: 204 });
  const outcome = await redeemLoginToken(token).catch((error: unknown) => {
    log("error", "login token could not be redeemed", { error: error instanceof Error ? error.message : String(error) });
    return "used" as const;
  });
  if (outcome !== "ok") return seeOther(request, paths.login({ reason: outcome }));

  const response = comesFromElsewhere(request.headers) ? hop(paths.overview()) : seeOther(request, paths.overview());
  response.headers.append(
    "set-cookie",
    `${loginCookieName()}=${makeLoginCookie(Date.now())}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${LOGIN_SECONDS}`,
  );
  return response;
}

function seeOther(request: NextRequest, path: string): NextResponse {
  const to = request.nextUrl.clone();
  [to.pathname, to.search] = [path.split("?")[0] ?? "", path.split("?")[1] ?? ""];
  return NextResponse.redirect(to, { status: 303, headers: { "cache-control": "no-store" } });
}

const comesFromElsewhere = (headers: Headers) => ["cross-site", "same-site"].includes(headers.get("sec-fetch-site") ?? "");

/** A link clicked on another site: a redirect would still count as that site's, and the strict cookie would not be sent. Our own page navigates instead. */
const hop = (location: string) =>
  new NextResponse(`<!doctype html><meta http-equiv="refresh" content="0;url=${location}"><title>Signalbox</title>`, {
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
