"use client";
import { Search } from "lucide-react";
import { Key } from "../../ui/button.tsx";
import { openPalette } from "./palette-state.ts";

/** For the phone's header. */
export const PaletteButton = () => (
  <button
    type="button"
    aria-label="Search pages and sessions"
    onClick={() => openPalette("search")}
    className="grid size-7 place-items-center rounded-md text-ink-2 hover:bg-hover hover:text-ink"
  >
    <Search size={15} strokeWidth={1.75} aria-hidden />
  </button>
);

/** For the side: a button that teaches its key. */
export const PaletteHint = () => (
  <button
    type="button"
    onClick={() => openPalette("search")}
    className="mt-auto flex h-8 items-center gap-2.5 rounded-md border border-line bg-surface px-2 text-ink-2 text-sm hover:text-ink"
  >
    <Search size={13} aria-hidden />
    <span className="flex-1 text-left">Go to</span>
    <Key>⌘K</Key>
  </button>
);
