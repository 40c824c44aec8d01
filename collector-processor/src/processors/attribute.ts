import { Operation, PROJECT_SEPARATOR } from "@signalbox/otel/conventions";
import { includeCache } from "../dialects/usage.ts";
import type { Consumer, Stage } from "../pipeline.ts";
import { type SpanBatch, type SpanDraft, withEach } from "../span-batch.ts";

/** Spans of one trace stand together, and a map finds one text again sooner than another that is equal. */
let lastTrace = { traceId: "", session: "t:" };

/** What a span that names no session is stored under; a row of session_aliases may join it to one. */
function sessionOfTrace(traceId: string): string {
  if (lastTrace.traceId !== traceId) lastTrace = { traceId, session: `t:${traceId}` };
  return lastTrace.session;
}

/**
 * Under which id the rows of a project's session stand: its own, or, in a project other than the default one, that behind the project's
 * name. Two projects may have one and the same id (every OpenClaw has `agent:main:main`), and neither may write into the other's session.
 */
export type StoredId = (project: string, id: string) => string;

export const storedIds =
  (defaultProject: string): StoredId =>
  (project, id) => {
    const plain = id.includes(PROJECT_SEPARATOR) ? id.replaceAll(PROJECT_SEPARATOR, " ") : id;
    return project === defaultProject ? plain : `${project}${PROJECT_SEPARATOR}${plain}`;
  };

/** The same for a span, or a body of a call, of that trace; `sessionId` null: it names no session. */
export const storedSession = (storedId: StoredId, project: string, sessionId: string | null, traceId: string): string =>
  storedId(project, sessionId ?? sessionOfTrace(traceId));

/**
 * Whose a span is: session, agent, and whether it is the one span of a model call that counts. Each answer comes from the span alone,
 * never from what else has arrived, so that the order of arrival changes nothing.
 */
export function attribute(defaultProject: string, next: Consumer<SpanBatch>): Stage<SpanBatch> {
  const storedId = storedIds(defaultProject);
  return {
    start: async () => {},
    shutdown: async () => {},
    async consume(batch) {
      await next.consume({ ...batch, spans: withEach(batch.spans, (draft) => attributeSpan(draft, storedId)) });
    },
  };
}

export function attributeSpan(draft: SpanDraft, storedId: StoredId): void {
  const row = draft.row;
  const { project } = row;
  draft.sessionId ??= draft.conversationId;
  row.session_id = storedSession(storedId, project, draft.sessionId, row.trace_id);
  if (row.agent_id === "") row.agent_id = draft.genAiAgentId ?? "";
  if (draft.sessionId !== null) {
    // the root agent has its session's id
    if (row.agent_id === draft.sessionId) row.agent_id = row.session_id;
    if (draft.parentAgentId === draft.sessionId) draft.parentAgentId = row.session_id;
    draft.traceSession = storedSession(storedId, project, null, row.trace_id);
  }
  if (draft.parentSessionId !== null) draft.parentSessionId = storedId(project, draft.parentSessionId);
  row.model = draft.responseModel ?? row.request_model;
  const isModelOperation = row.operation === Operation.chat || row.operation === Operation.embeddings;
  row.is_call = isModelOperation && !draft.routed;
  includeCache(draft);
}
