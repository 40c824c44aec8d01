import { plainId } from "@signalbox/otel/conventions";
import Link from "next/link";
import type { MemoryAccess } from "../../api/memory.ts";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";

/** Which agent in which session; the link opens the step itself. */
export function AccessWho({ access }: { access: MemoryAccess }) {
  const { session_agent_name: root, agent_name: agent, channel } = access;
  const isSubAgent = agent !== null && root !== null && agent !== root;
  return (
    <Link
      href={paths.session(access.session_id, { span: access.span_id })}
      prefetch={false}
      title={plainId(access.session_id)}
      className="min-w-0 truncate font-medium underline-offset-2 hover:underline"
    >
      <HostileText text={agent ?? root ?? "unnamed"} />
      <span className="font-normal text-ink-2">
        {isSubAgent && (
          <>
            , sub-agent of <HostileText text={root} />
          </>
        )}
        {channel && (
          <>
            {" "}
            on <HostileText text={channel} />
          </>
        )}
      </span>
    </Link>
  );
}
