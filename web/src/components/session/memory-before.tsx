"use client";
import { useQuery } from "@tanstack/react-query";
import { BookOpen, PenLine } from "lucide-react";
import Link from "next/link";
import { memoryBeforeQuery } from "../../api/memory.ts";
import type { Span } from "../../api/span.ts";
import { latestByFile, splitPath } from "../../model/memory.ts";
import { epochMs } from "../../model/time.ts";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { WrittenBy } from "../memory/written-by.tsx";
import { Resource } from "../resource.tsx";

/** Why does the agent think this? Of each memory file what it last did to it, by the end of this step. */
export function MemoryBefore({ session, span }: { session: string; span: Span }) {
  const end = new Date(Math.ceil(epochMs(span.start_time) + Number(span.duration_ns) / 1e6)).toISOString();
  const query = useQuery(memoryBeforeQuery(session, span.agent_id, end));
  return (
    <Resource query={query} skeleton={<Skeleton className="h-10 w-full" />}>
      {({ data }) =>
        data.length === 0 ? (
          <p className="text-ink-3 text-sm">This agent had read no memory file.</p>
        ) : (
          <ul aria-label="memory by the end of this step" className="flex flex-col gap-2">
            {latestByFile(data).map((access) => {
              const Icon = access.operation === "write" ? PenLine : BookOpen;
              return (
                <li key={access.span_id} className="flex gap-2.5">
                  <Icon size={14} className="mt-0.5 shrink-0 text-ink-2" aria-hidden />
                  <div className="min-w-0">
                    <Link
                      href={paths.memory({ file: access, at: access.span_id })}
                      prefetch={false}
                      title={access.path}
                      className="block truncate font-medium underline-offset-2 hover:underline"
                    >
                      <HostileText text={splitPath(access.path).name} />
                    </Link>
                    <p className="text-ink-2 text-sm">
                      {access.operation === "write" ? "it wrote this itself" : <WrittenBy access={access} />}
                    </p>
                  </div>
                </li>
              );
            })}
          </ul>
        )
      }
    </Resource>
  );
}
