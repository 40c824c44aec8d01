import { SetupError } from "@signalbox/local";

/** The parts of a cost row of the read API that we show. */
export interface CostRow {
  session?: string;
  pool?: string;
  silicon?: string;
  model?: string;
  calls: number;
  input_tokens: number;
  output_tokens: number;
  cost_nanousd: string | null;
  unknown_cost_calls: number;
  comparable_cost_nanousd: string;
  comparable_baseline_nanousd: string;
}

/** The parts of a span of the read API that doctor looks at. */
export interface SpanRow {
  trace_id: string;
  operation: string;
  pool: string | null;
}

/** The parts of an agent of the read API that a stop shows. */
export interface AgentRow {
  agent_id: string;
  agent_name: string | null;
}

export interface ReadApi {
  /** the session's agents, the root too; undefined while the session is not known */
  agents(sessionId: string): Promise<AgentRow[] | undefined>;
  cost(groupBy: readonly string[], from: Date): Promise<CostRow[]>;
  /** the first page of a session's spans; empty while the session is not known */
  spans(sessionId: string): Promise<SpanRow[]>;
}

const TIMEOUT_MS = 10_000;

/** The dashboard's read API, with the admin token. Its methods throw SetupError when it does not answer with data. */
export function createReadApi(webAddress: string, token: string): ReadApi {
  const get = async (path: string): Promise<Response> => {
    try {
      return await fetch(new URL(path, webAddress), {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new SetupError("read_api", `The read API at ${webAddress} does not answer.`);
    }
  };
  const rows = async <Row>(response: Response): Promise<Row[]> => {
    if (response.status === 401)
      throw new SetupError(
        "read_api",
        "The read API refuses our token: this SIGNALBOX_TOKEN is not the one that Signalbox was started with.",
      );
    if (!response.ok) throw new SetupError("read_api", `The read API answered ${response.status} on ${new URL(response.url).pathname}.`);
    return ((await response.json()) as { data: Row[] }).data;
  };
  return {
    cost: async (groupBy, from) =>
      rows(await get(`/api/v1/cost?${new URLSearchParams({ group_by: groupBy.join(","), from: from.toISOString() })}`)),
    agents: async (sessionId) => {
      const response = await get(`/api/v1/sessions/${encodeURIComponent(sessionId)}/agents`);
      return response.status === 404 ? undefined : rows(response);
    },
    spans: async (sessionId) => {
      const response = await get(`/api/v1/sessions/${encodeURIComponent(sessionId)}/spans`);
      return response.status === 404 ? [] : rows(response);
    },
  };
}
