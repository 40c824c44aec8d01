import { SetupError } from "@signalbox/local";
import { PROJECT_SEPARATOR, plainId } from "@signalbox/otel/conventions";

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

/** A session as a stop shows it. */
export interface StoredSession {
  project: string;
  /** the root too */
  agents: AgentRow[];
}

export interface ReadApi {
  /** what is stored of a session: two projects may each have one of that id. Of one project alone where it is named. */
  sessionsOf(id: string, project: string | undefined): Promise<StoredSession[]>;
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
  const json = async <Body>(response: Response): Promise<Body> => {
    if (response.status === 401)
      throw new SetupError(
        "read_api",
        "The read API refuses our token: this SIGNALBOX_TOKEN is not the one that Signalbox was started with.",
      );
    if (!response.ok) throw new SetupError("read_api", `The read API answered ${response.status} on ${new URL(response.url).pathname}.`);
    return (await response.json()) as Body;
  };
  const rows = async <Row>(response: Response): Promise<Row[]> => (await json<{ data: Row[] }>(response)).data;
  const sessionPath = (id: string) => `/api/v1/sessions/${encodeURIComponent(id)}`;
  return {
    cost: async (groupBy, from) =>
      rows(await get(`/api/v1/cost?${new URLSearchParams({ group_by: groupBy.join(","), from: from.toISOString() })}`)),
    async sessionsOf(id, project) {
      const projects = project === undefined ? await rows<{ project: string }>(await get("/api/v1/settings/projects")) : [{ project }];
      const ids = [id, ...projects.map((one) => one.project + PROJECT_SEPARATOR + id)];
      const found = new Map<string, string>();
      for (const response of await Promise.all(ids.map((one) => get(sessionPath(one))))) {
        if (response.status === 404) continue;
        const stored = await json<{ session_id: string; project: string }>(response);
        if (plainId(stored.session_id) === id && (project ?? stored.project) === stored.project)
          found.set(stored.session_id, stored.project);
      }
      return Promise.all(
        [...found].map(async ([stored, ofProject]) => ({
          project: ofProject,
          agents: await rows(await get(`${sessionPath(stored)}/agents`)),
        })),
      );
    },
    spans: async (sessionId) => {
      const response = await get(`${sessionPath(sessionId)}/spans`);
      return response.status === 404 ? [] : rows(response);
    },
  };
}
