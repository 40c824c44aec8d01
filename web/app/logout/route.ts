import { cookies } from "next/headers";
import { paths } from "../../src/paths.ts";
import { loginCookieName } from "../../src/server/auth.ts";

/** Forgets the login in this browser. proxy.ts has checked that the request came from our own page. */
export async function POST(): Promise<Response> {
  (await cookies()).delete(loginCookieName());
  return new Response(null, { status: 303, headers: { location: paths.login({ reason: "signed-out" }) } });
}
