"use client";
import { Ellipsis, LogOut } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import type { ReactNode } from "react";
import { paths } from "../paths.ts";
import { classNames } from "../ui/class-names.ts";
import { Logo } from "../ui/logo.tsx";
import { Live } from "./live.tsx";
import { LiveLamp } from "./live-lamp.tsx";
import { PAGES, PHONE_PAGES } from "./pages.ts";
import { Palette } from "./palette/palette.tsx";
import { PaletteButton, PaletteHint } from "./palette/palette-button.tsx";
import { openPalette } from "./palette/palette-state.ts";
import { RowKeys } from "./row-keys.tsx";
import { ThemeToggle } from "./theme-toggle.tsx";

const isCurrent = (href: string, pathname: string) =>
  href === "/" ? pathname === "/" : pathname === href || pathname.startsWith(`${href}/`);

/** The frame of every page: where one can go, and whether what one sees is live. */
export function Shell({ children }: { children: ReactNode }) {
  return (
    <div className="md:grid md:min-h-dvh md:grid-cols-[208px_minmax(0,1fr)]">
      <Live />
      <Palette />
      <RowKeys />
      <a href="#main" className="sr-only rounded-md bg-raised px-3 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50">
        Skip to content
      </a>
      <Sidebar />
      <header className="flex h-12 items-center justify-between border-line border-b px-4 md:hidden">
        <Logo />
        <div className="flex items-center gap-3">
          <LiveLamp />
          <PaletteButton />
          <ThemeToggle />
        </div>
      </header>
      <main id="main" tabIndex={-1} className="min-w-0 pb-16 outline-none md:pb-0">
        {children}
      </main>
      <BottomBar />
    </div>
  );
}

function Sidebar() {
  const pathname = usePathname();
  return (
    // opaque and above what scrolls: below it, a page's positioned rows would be a second layer as high as the page, blended anew in each frame
    <div className="sticky top-0 z-10 hidden h-dvh flex-col border-line border-r bg-page px-3 py-4 md:flex">
      <div className="px-2 pb-5">
        <Logo />
      </div>
      <nav aria-label="pages" className="flex flex-col gap-0.5">
        {PAGES.map(({ href, label, icon: Icon }) => (
          <Link
            key={href}
            href={href}
            prefetch={false}
            aria-current={isCurrent(href, pathname) ? "page" : undefined}
            className="flex h-8 items-center gap-2.5 rounded-md px-2 text-ink-2 hover:bg-hover hover:text-ink aria-[current=page]:bg-selected aria-[current=page]:font-medium aria-[current=page]:text-ink"
          >
            <Icon size={15} strokeWidth={1.75} aria-hidden />
            {label}
          </Link>
        ))}
      </nav>
      <PaletteHint />
      <div className="mt-3 flex items-center justify-between px-2">
        <LiveLamp />
        <div className="flex items-center gap-1">
          <ThemeToggle />
          <form action={paths.logout()} method="post">
            <button
              type="submit"
              aria-label="Sign out"
              title="Sign out"
              className="grid size-7 place-items-center rounded-md text-ink-2 hover:bg-hover hover:text-ink"
            >
              <LogOut size={15} strokeWidth={1.75} aria-hidden />
            </button>
          </form>
        </div>
      </div>
    </div>
  );
}

function BottomBar() {
  const pathname = usePathname();
  return (
    <nav aria-label="pages" className="fixed inset-x-0 bottom-0 z-20 grid grid-cols-5 border-line border-t bg-surface md:hidden">
      {PHONE_PAGES.map(({ href, label, icon: Icon }) => {
        const current = isCurrent(href, pathname);
        return (
          <Link
            key={href}
            href={href}
            prefetch={false}
            aria-current={current ? "page" : undefined}
            className={classNames(
              "flex h-14 flex-col items-center justify-center gap-0.5 text-xs",
              current ? "font-medium text-ink" : "text-ink-2",
            )}
          >
            <Icon size={18} strokeWidth={1.75} aria-hidden />
            {label}
          </Link>
        );
      })}
      <button
        type="button"
        onClick={() => openPalette("search")}
        className={classNames(
          "flex h-14 flex-col items-center justify-center gap-0.5 text-xs",
          PHONE_PAGES.some(({ href }) => isCurrent(href, pathname)) ? "text-ink-2" : "font-medium text-ink",
        )}
      >
        <Ellipsis size={18} strokeWidth={1.75} aria-hidden />
        More
      </button>
    </nav>
  );
}
