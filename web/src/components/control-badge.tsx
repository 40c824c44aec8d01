import { OctagonX, Pause } from "lucide-react";
import type { Session } from "../api/session.ts";
import { Badge } from "../ui/badge.tsx";

/** Says that a session is stopped, and by what; nothing where it runs. */
export function ControlBadge({ control }: { control: Session["control"] }) {
  if (!control || control.state === "running") return null;
  const by = control.source === "budget" ? "by its budget" : "by hand";
  const Icon = control.state === "killed" ? OctagonX : Pause;
  return (
    <Badge tone={control.state === "killed" ? "bad" : "warn"} title={`${control.state} ${by}${control.reason && `: ${control.reason}`}`}>
      <Icon size={11} aria-hidden /> {control.state}
    </Badge>
  );
}
