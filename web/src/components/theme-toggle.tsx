"use client";
import { Monitor, Moon, Sun } from "lucide-react";
import { THEMES, type Theme, useTheme } from "./theme.ts";

const ICONS = { system: Monitor, light: Sun, dark: Moon };

/** System, light, dark, one after the other. */
export function ThemeToggle() {
  const [theme, setTheme] = useTheme();
  const Icon = ICONS[theme];
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme;
  return (
    <button
      type="button"
      onClick={() => setTheme(next)}
      aria-label={`Theme: ${theme}. Switch to ${next}`}
      title={`Theme: ${theme}`}
      className="grid size-7 place-items-center rounded-md text-ink-2 hover:bg-hover hover:text-ink"
    >
      <Icon size={15} strokeWidth={1.75} aria-hidden />
    </button>
  );
}
