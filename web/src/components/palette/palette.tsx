"use client";
import { useEffect } from "react";
import { useKey } from "../../ui/use-key.ts";
import { KeyHelp } from "./key-help.tsx";
import { PaletteSearch } from "./palette-search.tsx";
import { openPalette, usePaletteBox } from "./palette-state.ts";

/** ⌘K opens the palette, `/` goes to the page's own search or else opens it, `?` lists the keys. */
export function Palette() {
  const box = usePaletteBox();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        openPalette("search");
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  useKey(["/"], (event) => {
    event.preventDefault();
    const search = document.querySelector<HTMLInputElement>("main input[type=search]");
    if (search) search.focus();
    else openPalette("search");
  });
  useKey(["?"], (event) => {
    event.preventDefault();
    openPalette("keys");
  });
  if (box === "search") return <PaletteSearch onClose={() => openPalette(null)} />;
  if (box === "keys") return <KeyHelp onClose={() => openPalette(null)} />;
  return null;
}
