import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import type { ReactNode } from "react";
import { QueryProvider } from "../../src/components/query-provider.tsx";
import { Shell } from "../../src/components/shell.tsx";
import { StaleBanner } from "../../src/components/stale-banner.tsx";
import { TimeZoneCookie } from "../../src/components/time-zone-cookie.tsx";
import { paths } from "../../src/paths.ts";
import { isLoginCookie, loginCookieName } from "../../src/server/auth.ts";
import { NowProvider } from "../../src/ui/time.tsx";

export default async function DashboardLayout({ children }: { children: ReactNode }) {
  // proxy.ts has turned the logged-out away; this holds even if its matcher is ever wrong
  if (!isLoginCookie((await cookies()).get(loginCookieName())?.value, Date.now())) redirect(paths.login());
  return (
    <NuqsAdapter>
      <QueryProvider>
        <NowProvider initial={Date.now()}>
          <TimeZoneCookie />
          <Shell>
            <StaleBanner />
            {children}
          </Shell>
        </NowProvider>
      </QueryProvider>
    </NuqsAdapter>
  );
}
