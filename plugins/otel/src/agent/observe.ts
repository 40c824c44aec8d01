import { randomUUID } from "node:crypto";
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { Attribute, Operation, spanName } from "../conventions.ts";
import { createProvider } from "../provider.ts";
import { type DescribedCall, describeCall } from "./call.ts";
import { contentJson, MAX_CONTENT_CHARACTERS } from "./content.ts";
import { type AgentIdentity, GATEWAY, requireId, type Scope, type Turn, UNKNOWN_PROVIDER } from "./scope.ts";
import { followStops, unstoppable } from "./stops.ts";
import type { AgentObserver, AgentOptions, LlmCall, LlmOptions, SubagentOptions, ToolOptions } from "./types.ts";
import { createWorks, type SpanSpec } from "./work.ts";

/**
 * Tells of an agent's work in Signalbox's conventions: wrap each turn, model call, tool call and sub-agent. What is wrapped runs as it
 * would, and what it throws is thrown on. All but `session` run inside a `session` and throw a TypeError outside of one; where the
 * session is stopped they throw a SessionStoppedError before anything runs.
 *
 * Throws a TypeError where an option cannot be right.
 */
export function observeAgent(options: AgentOptions): AgentObserver {
  const { name, kind = "other", content = false } = options;
  const own =
    options.endpoint === undefined
      ? undefined
      : createProvider({
          serviceName: name,
          endpoint: options.endpoint,
          ...(options.headers && { headers: options.headers }),
          ...(content && { maxAttributeLength: MAX_CONTENT_CHARACTERS }),
        });
  const stops = options.control === undefined ? unstoppable : followStops(options.control, name);
  // asked for each span: an SDK may be set up later than this
  const works = createWorks(stops, () => own?.tracer ?? trace.getTracer("signalbox"), own !== undefined);
  const { begin, wrap } = works;

  const here = (what: string): Scope => {
    const scope = works.here();
    if (scope === undefined) throw new TypeError(`${what} outside of a session: wrap it in session("…", () => …)`);
    return scope;
  };
  const callOf = (call: string | LlmOptions): DescribedCall =>
    describeCall(here("llm()"), typeof call === "string" ? { model: call } : call, {
      routed: options.routed ?? false,
      content,
      sendsTraceparent: own !== undefined,
    });

  const newTurn = (): Turn => ({ id: randomUUID(), provider: undefined });
  const toldOf = ({ provider }: Turn) => ({ [Attribute.provider]: provider ?? (options.routed ? GATEWAY : UNKNOWN_PROVIDER) });

  return {
    async session(given, run) {
      const session = typeof given === "string" ? { id: given } : given;
      const id = requireId("a session's id", session.id);
      const agent: AgentIdentity = { id, name, kind, parentId: undefined, depth: 0, lineage: [id] };
      return works.within({ session, agent, turn: undefined, toolCallId: undefined, context: ROOT_CONTEXT }, async () => run());
    },

    async turn(run) {
      const scope = here("turn()");
      if (scope.turn !== undefined) throw new TypeError("turn() inside of a turn: another agent's is subagent()");
      const turn = newTurn();
      return wrap({ ...scope, turn }, turnSpec(scope.agent.name), run, () => toldOf(turn));
    },

    async llm(given, run) {
      const { scope, spec, handle, told } = callOf(given);
      return wrap(
        scope,
        spec,
        async (work) => {
          const call = handle(work);
          const result = await run(call);
          call.see(result);
          return result;
        },
        told,
      );
    },

    async *llmStream<T>(given: string | LlmOptions, start: (call: LlmCall) => AsyncIterable<T> | Promise<AsyncIterable<T>>) {
      const { scope, spec, handle, told } = callOf(given);
      const work = begin(scope, spec);
      const call = handle(work);
      const startedAt = performance.now();
      let firstAt: number | undefined;
      let error: { thrown: unknown } | undefined;
      let left: AsyncIterator<T> | undefined;
      try {
        const chunks = (await work.run(() => start(call)))[Symbol.asyncIterator]();
        left = chunks;
        for (let next = await work.run(() => chunks.next()); !next.done; next = await work.run(() => chunks.next())) {
          firstAt ??= performance.now();
          call.see(next.value);
          yield next.value;
        }
        left = undefined;
      } catch (failure) {
        const thrown: unknown = work.signal.aborted ? work.signal.reason : failure;
        error = { thrown };
        throw thrown;
      } finally {
        const seconds = firstAt === undefined ? undefined : (firstAt - startedAt) / 1000;
        work.end({ ...told(), [Attribute.requestStream]: true, [Attribute.timeToFirstChunk]: seconds }, error);
        // not read to its end: the request is given up. Not waited for: what was killed may never answer.
        void Promise.resolve(left?.return?.()).then(work.settled, work.settled);
      }
    },

    async tool(given, run) {
      const { name, id, ...tool }: ToolOptions = typeof given === "string" ? { name: given } : given;
      const scope = here("tool()");
      const toolCallId = id ?? randomUUID();
      const spec: SpanSpec = {
        name: spanName.executeTool(name),
        attributes: {
          [Attribute.operation]: Operation.executeTool,
          [Attribute.toolName]: name,
          [Attribute.toolCallId]: toolCallId,
          [Attribute.toolType]: "function",
          [Attribute.toolArguments]: content ? contentJson(tool.arguments) : undefined,
        },
      };
      const told = (result?: unknown) => (content ? { [Attribute.toolResult]: contentJson(result) } : {});
      return wrap({ ...scope, toolCallId }, spec, run, told);
    },

    async subagent(given, run) {
      const { name, id = randomUUID(), background = false }: SubagentOptions = typeof given === "string" ? { name: given } : given;
      const { session, agent: parent, toolCallId, context } = here("subagent()");
      const agent: AgentIdentity = {
        id: requireId("a sub-agent's id", id),
        name,
        kind,
        parentId: parent.id,
        depth: parent.depth + 1,
        lineage: [id, ...parent.lineage],
      };
      const spec = turnSpec(name);
      const attributes = { ...spec.attributes, [Attribute.spawnedByToolCall]: toolCallId };
      const turn = newTurn();
      const scope: Scope = { session, agent, turn, toolCallId: undefined, context };
      return wrap(scope, { ...spec, attributes, detached: background }, run, () => toldOf(turn));
    },

    async shutdown() {
      works.abandonAll();
      await Promise.all([stops.close(), own?.shutdown()]);
    },
  };
}

const turnSpec = (agentName: string): SpanSpec => ({
  name: spanName.invokeAgent(agentName),
  attributes: { [Attribute.operation]: Operation.invokeAgent },
});
