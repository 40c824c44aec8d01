import { randomBytes } from "node:crypto";
import { type NextRequest, NextResponse } from "next/server";
import { paths } from "./src/paths.ts";
import { isLoginCookie, isSameOrigin, loginCookieName } from "./src/server/auth.ts";
import { environment } from "./src/server/environment.ts";
import { redeemLoginLink } from "./src/server/login-link.ts";
import { contentSecurityPolicy, SECURITY_HEADERS } from "./src/server/security-headers.ts";

/** Stands before every page and route: refuses foreign writes, sends the logged-out to the login page, and sets the policy. */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const { pathname, searchParams } = request.nextUrl;

  if (!["GET", "HEAD", "OPTIONS"].includes(request.method) && !isSameOrigin(request.headers)) {
    return secured(
      NextResponse.json({ error: { code: "forbidden", message: "this request did not come from the dashboard itself" } }, { status: 403 }),
    );
  }
  // these answer for themselves: the API with 401, health openly
  if (pathname.startsWith("/api/") || ["/healthz", "/readyz", "/metrics", "/logout"].includes(pathname))
    return secured(NextResponse.next());

  const loginToken = pathname === "/login" ? searchParams.get("token") : null;
  if (loginToken !== null) return secured(await redeemLoginLink(request, loginToken));
  const isLoggedIn = isLoginCookie(request.cookies.get(loginCookieName())?.value, Date.now());
  if (!isLoggedIn && !pathname.startsWith("/login")) {
    const login = request.nextUrl.clone();
    login.pathname = paths.login();
    login.search = "";
    return secured(NextResponse.redirect(login));
  }

  const nonce = randomBytes(16).toString("base64");
  const policy = contentSecurityPolicy(nonce, environment.isDevelopment());
  const headers = new Headers(request.headers);
  // Next reads the nonce from the request's policy and puts it on each of its scripts
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return secured(response);
}

function secured(response: NextResponse): NextResponse {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
  return response;
}

export const config = { matcher: "/((?!_next/|icon.svg).*)" };
