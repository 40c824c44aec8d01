import { Activity, Bell, BookText, Brain, ChartNoAxesColumn, GitFork, LayoutDashboard, Lightbulb, Settings, Split } from "lucide-react";
import { paths } from "../paths.ts";

/** Where one can go. A page is named here once it is whole. */
export const PAGES = [
  { href: paths.overview(), label: "Overview", icon: LayoutDashboard },
  { href: paths.brain(), label: "Brain", icon: Brain },
  { href: paths.tokens(), label: "Tokens", icon: ChartNoAxesColumn },
  { href: paths.explain(), label: "Explain", icon: Lightbulb },
  { href: paths.sessions(), label: "Sessions", icon: Activity },
  { href: paths.agents(), label: "Agents", icon: GitFork },
  { href: paths.routes(), label: "Routes", icon: Split },
  { href: paths.memory(), label: "Memory", icon: BookText },
  { href: paths.alerts(), label: "Alerts", icon: Bell },
  { href: paths.settings(), label: "Settings", icon: Settings },
] as const;

const ON_PHONES: readonly string[] = [paths.overview(), paths.brain(), paths.tokens(), paths.sessions()];
/** What fits in a phone's bar; the palette has the rest. */
export const PHONE_PAGES = PAGES.filter((page) => ON_PHONES.includes(page.href));
