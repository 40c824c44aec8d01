import Link from "next/link";
import type { Session } from "../../api/session.ts";
import { plural } from "../../model/numbers.ts";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { MixBar } from "../../ui/mix-bar.tsx";
import { Money } from "../../ui/money.tsx";
import { Ago } from "../../ui/time.tsx";
import { callsBySilicon } from "../session-mix.ts";
import { SessionName } from "../session-name.tsx";
import { StateMark } from "../state-mark.tsx";

/** The latest sessions as one tappable line each. */
export function RecentSessions({ sessions }: { sessions: readonly Session[] }) {
  return (
    <ul>
      {sessions.map((session) => (
        <li key={session.session_id} data-row className="border-line border-b last:border-b-0">
          <Link
            href={paths.session(session.session_id)}
            prefetch={false}
            className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-5 gap-y-1 px-4 py-2.5 hover:bg-hover md:grid-cols-[minmax(0,1fr)_72px_88px_110px_64px_84px_80px]"
          >
            <SessionName session={session} />
            <span className="hidden truncate text-ink-2 text-sm md:block">{session.channel && <HostileText text={session.channel} />}</span>
            <span className="hidden text-ink-2 text-sm md:block">{plural(session.turns, "turn")}</span>
            <span className="hidden md:block">
              <MixBar parts={callsBySilicon(session.routes)} />
            </span>
            <span className="hidden text-sm md:block">
              <StateMark session={session} />
            </span>
            <Money
              nanousd={session.cost_nanousd}
              unknownCalls={session.cost_nanousd === null ? 0 : session.unknown_cost_calls}
              className="text-right font-medium"
            />
            <span className="text-ink-2 text-sm md:text-right">
              <Ago time={session.last_time} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
