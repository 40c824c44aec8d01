import { SetupError } from "@signalbox/local";

/** What the scheduler answers to a stop or a resume. */
export interface Receipt {
  session: string;
  /** Where only that of one project was asked for. */
  project?: string;
  state: string;
  descendants: string[];
  upstream_closed: number;
  slots_freed: number;
  /** Calls taken out of the line before a pool. */
  dequeued: number;
  agents_acknowledged: string[];
  /** What could not be confirmed, in words. */
  unknown: string[];
  elapsed_ms: number;
}

/** What is known of a session here and now. */
export interface SessionNow {
  session_id: string;
  /** `active`, `paused` or `killed` */
  state: string;
  reason: string | null;
  in_flight: { agent_id: string; model: string | null; pool: string | null; state: string; running_ms: number }[];
}

/** Without a project, a session of that id in any. */
export interface ControlApi {
  session(id: string, project?: string): Promise<SessionNow>;
  change(id: string, project: string | undefined, action: "kill" | "pause" | "resume", reason: string): Promise<Receipt>;
}

/** A stop waits for the agents' own word. */
const TIMEOUT_MS = 60_000;

/** The scheduler's control API, with the admin token. Its methods throw SetupError with the scheduler's refusal. */
export function createControlApi(schedulerUrl: string, token: string): ControlApi {
  async function ask<Answer>(path: string, body?: object): Promise<Answer> {
    let response: Response;
    try {
      response = await fetch(new URL(path, schedulerUrl), {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new SetupError("control_api", `The scheduler at ${schedulerUrl} does not answer: ${(error as Error).message}`);
    }
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Answer;
    if (response.status === 401)
      throw new SetupError("control_api", "The scheduler refuses our token: this SIGNALBOX_TOKEN is not the one that it was started with.");
    throw new SetupError("control_api", `The scheduler answered ${response.status}: ${messageIn(text)}`);
  }
  const sessionPath = (id: string) => `/control/sessions/${encodeURIComponent(id)}`;
  const ofProject = (project: string | undefined) => (project === undefined ? "" : `?project=${encodeURIComponent(project)}`);
  return {
    session: (id, project) => ask(sessionPath(id) + ofProject(project)),
    change: (id, project, action, reason) => ask(`${sessionPath(id)}/${action}${ofProject(project)}`, { reason }),
  };
}

function messageIn(text: string): string {
  try {
    return String((JSON.parse(text) as { error: { message: unknown } }).error.message);
  } catch {
    return text.slice(0, 300);
  }
}
