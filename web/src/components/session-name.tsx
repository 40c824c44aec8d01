import { plainId } from "@signalbox/otel/conventions";
import type { Session } from "../api/session.ts";
import { HostileText } from "../ui/hostile-text.tsx";

/** A session as a person knows it: the agent's name, then what tells its conversations apart. */
export function SessionName({ session }: { session: Pick<Session, "session_id" | "agent_name"> }) {
  return (
    <span className="flex min-w-0 items-baseline gap-2">
      <span className="max-w-[70%] shrink-0 truncate font-medium text-ink">
        <HostileText text={session.agent_name ?? "unnamed"} />
      </span>
      <span className="min-w-0 truncate font-mono text-ink-3 text-xs" title={plainId(session.session_id)}>
        <HostileText text={plainId(session.session_id)} />
      </span>
    </span>
  );
}
