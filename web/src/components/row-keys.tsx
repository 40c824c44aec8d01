"use client";
import { usePathname } from "next/navigation";
import { paths } from "../paths.ts";
import { useKey } from "../ui/use-key.ts";

/** `j` and `k` go down and up the rows of the page, whatever they are rows of: Enter then opens the one that has the focus. */
export function RowKeys() {
  // there, k asks to kill
  const isSession = usePathname().startsWith(`${paths.sessions()}/`);
  useKey(["j", "k"], (event) => {
    if (isSession) return;
    const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")].sort((one, other) => top(one) - top(other));
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next = event.key.toLowerCase() === "j" ? at + 1 : at < 0 ? rows.length - 1 : at - 1;
    const target = rows[next]?.querySelector<HTMLElement>("a, button");
    if (!target) return;
    event.preventDefault();
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest" });
  });
  return null;
}

/** Rows that are virtual are not in the order in which they are seen. */
const top = (row: HTMLElement) => row.getBoundingClientRect().top;
