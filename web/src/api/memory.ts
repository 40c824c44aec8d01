import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { Count, CursorParameter, Hex, limitParameter, NullableText, page, Time, TimeParameter } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

const Owner = z.string().meta({
  description: "of a relative path: the root agent in whose workspace it is; '' of an absolute one",
});

/** Where a read's content came from, as far as it was seen. */
export const MemoryWriter = z
  .object({ session_id: z.string(), agent_id: z.string(), span_id: Hex, time: Time })
  .meta({ id: "MemoryWriter", description: "the latest write of the file before a read of it" });

/** One read or write of a file that an agent keeps its memory in. */
export const MemoryAccess = z
  .object({
    project: z.string(),
    path: z.string(),
    owner: Owner,
    operation: z.enum(["read", "write"]),
    session_id: z.string(),
    session_agent_name: NullableText.meta({ description: "of the session's root agent" }),
    channel: NullableText,
    agent_id: z.string(),
    agent_name: NullableText,
    turn_id: NullableText,
    span_id: Hex,
    time: Time,
    lines: NullableText.meta({ description: "of a read: `from-to`; null: the whole file" }),
    diff: NullableText.meta({
      description: "of a write: its lines, `-` before and `+` after; null where it is not told or content is not kept",
    }),
    written_by: MemoryWriter.nullable().meta({ description: "of a read; null: no write before it was seen, or it is a write" }),
  })
  .meta({ id: "MemoryAccess" });
export type MemoryAccess = z.infer<typeof MemoryAccess>;
export const MemoryPage = page(MemoryAccess);
export type MemoryPage = z.infer<typeof MemoryPage>;
export const MemoryListParameters = z.object({
  session: z.string().max(500).optional(),
  agent: z.string().max(500).optional().meta({ description: "the agent's id" }),
  path: z.string().max(1024).optional(),
  owner: z.string().max(500).optional().meta({ description: "of a relative path: the root agent's name" }),
  project: z.string().max(200).optional(),
  until: TimeParameter.optional().meta({ description: "only what began before this" }),
  limit: limitParameter(100, 1000),
  cursor: CursorParameter,
});
export type MemoryListParameters = z.infer<typeof MemoryListParameters>;

/** A file, with what was done to it in a range. */
export const MemoryFile = z
  .object({
    project: z.string(),
    path: z.string(),
    owner: Owner,
    reads: Count,
    writes: Count,
    sessions: Count.meta({ description: "that read or wrote it" }),
    last_time: Time,
    last_read: Time.nullable(),
    last_write: Time.nullable(),
  })
  .meta({ id: "MemoryFile" });
export type MemoryFile = z.infer<typeof MemoryFile>;
export const MemoryFilePage = page(MemoryFile);
export type MemoryFilePage = z.infer<typeof MemoryFilePage>;
export const MemoryFileListParameters = z.object({
  q: z.string().max(200).optional().meta({ description: "part of the path, or of the owner's name" }),
  from: TimeParameter.default("-30d"),
  limit: limitParameter(200, 1000),
  cursor: CursorParameter,
});
export type MemoryFileListParameters = z.infer<typeof MemoryFileListParameters>;

export type MemoryFileKey = Pick<MemoryFile, "project" | "path" | "owner">;
export const MEMORY_RANGES = ["7d", "30d", "365d"] as const;

export const memoryFilesQuery = ({ q, range }: { q: string; range: string }) =>
  infiniteQueryOptions({
    queryKey: ["memory", "files", q, range],
    queryFn: ({ signal, pageParam }) =>
      fetchJson(paths.api.memoryFiles({ q, from: `-${range}`, cursor: pageParam }), MemoryFilePage, signal),
    initialPageParam: "",
    getNextPageParam: (last: MemoryFilePage) => last.next,
  });

/** All that was done to one file, newest first. */
export const memoryFileQuery = ({ project, path, owner }: MemoryFileKey) =>
  infiniteQueryOptions({
    queryKey: ["memory", "file", project, path, owner],
    queryFn: ({ signal, pageParam }) => fetchJson(paths.api.memory({ project, path, owner, cursor: pageParam }), MemoryPage, signal),
    initialPageParam: "",
    getNextPageParam: (last: MemoryPage) => last.next,
  });

/** What a session read and wrote, newest first. */
export const sessionMemoryQuery = (session: string) =>
  infiniteQueryOptions({
    queryKey: ["session", session, "memory"],
    queryFn: ({ signal, pageParam }) => fetchJson(paths.api.memory({ session, cursor: pageParam }), MemoryPage, signal),
    initialPageParam: "",
    getNextPageParam: (last: MemoryPage) => last.next,
  });

/** What an agent of a session had read and written when a step began: the latest 1,000. */
export const memoryBeforeQuery = (session: string, agent: string, until: string) =>
  queryOptions({
    queryKey: ["session", session, "memory", agent, until],
    queryFn: ({ signal }) => fetchJson(paths.api.memory({ session, agent, until, limit: 1000 }), MemoryPage, signal),
  });
