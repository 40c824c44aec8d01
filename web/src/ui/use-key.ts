"use client";
import { useEffect, useEffectEvent } from "react";

/** Where a plain letter is text, not a command. */
const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));

/** True while a dialog is open: keys of the page below it rest. */
const isDialogOpen = () => document.querySelector("dialog[open]") !== null;

/**
 * Calls `action` when one of these keys is pressed anywhere on the page: `event.key` without modifiers, compared without case.
 * Not while someone types, and not behind an open dialog.
 */
export function useKey(keys: readonly string[], action: (event: KeyboardEvent) => void): void {
  const act = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isDialogOpen()) return;
    if (keys.some((key) => key.toLowerCase() === event.key.toLowerCase())) action(event);
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => act(event);
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
