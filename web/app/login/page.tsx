import type { Metadata } from "next";
import { Logo } from "../../src/ui/logo.tsx";

export const metadata: Metadata = { title: "Log in" };

const REASONS: Record<string, string> = {
  used: "That link has been used, or is not one of this install's. Each link opens the dashboard once.",
  expired: "That link is more than a day old.",
  "signed-out": "You are signed out.",
};

export default async function LoginPage({ searchParams }: PageProps<"/login">) {
  const { reason } = await searchParams;
  const said = typeof reason === "string" ? REASONS[reason] : undefined;
  return (
    <main className="grid min-h-dvh place-items-center p-6">
      <div className="w-full max-w-sm rounded-lg border border-line bg-surface p-6">
        <Logo />
        <h1 className="mt-6 font-semibold text-lg">Open the dashboard with a link</h1>
        {said && (
          <p role="status" className="mt-3 rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
            {said}
          </p>
        )}
        <p className="mt-4 text-ink-2">There is no password. Signalbox prints a link that works once, where you started it:</p>
        <code className="mt-4 block select-all rounded-md border border-line bg-sunken px-3 py-2 font-mono text-sm">npx signalbox up</code>
        <p className="mt-3 text-ink-3 text-sm">
          Is it running already? <code className="font-mono text-ink-2">npx signalbox url</code> prints a fresh link.
        </p>
      </div>
    </main>
  );
}
