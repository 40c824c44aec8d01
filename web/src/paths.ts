/**
 * Every address of the dashboard and of the read API is made here. Session ids hold ':' and may hold '/', so they are always
 * encoded.
 */

export type QueryValue = string | number | boolean | undefined | null;

/** A query string with its '?', or '' where nothing is set. Keys keep their order, so equal parameters give equal addresses. */
export function queryString(parameters: Readonly<Record<string, QueryValue>>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

interface MemoryFileId {
  project: string;
  path: string;
  owner: string;
}

const segment = encodeURIComponent;

export const paths = {
  overview: () => "/",
  brain: (parameters: { kind?: string; agent?: string; errors?: boolean } = {}) => `/brain${queryString(parameters)}`,
  routes: (parameters: { range?: string; open?: string; pool?: string; route?: string; show?: string } = {}) =>
    `/routes${queryString(parameters)}`,
  whatIf: () => "/routes/what-if",
  agents: (parameters: { show?: string } = {}) => `/agents${queryString(parameters)}`,
  explain: (parameters: { range?: string; by?: string; at?: number } = {}) => `/explain${queryString(parameters)}`,
  tokens: (parameters: { range?: string; group?: string } = {}) => `/tokens${queryString(parameters)}`,
  sessions: (parameters: { q?: string; show?: string } = {}) => `/sessions${queryString(parameters)}`,
  session: (id: string, parameters: { view?: string; span?: string; agent?: string; at?: number } = {}) =>
    `/sessions/${segment(id)}${queryString(parameters)}`,
  alerts: (parameters: { edit?: string; range?: string } = {}) => `/alerts${queryString(parameters)}`,
  memory: (parameters: { file?: MemoryFileId | undefined; at?: string } = {}) =>
    `/memory${queryString({ path: parameters.file?.path, of: parameters.file?.owner, project: parameters.file?.project, at: parameters.at })}`,
  settings: () => "/settings",
  login: (parameters: { reason?: string } = {}) => `/login${queryString(parameters)}`,
  logout: () => "/logout",
  api: {
    sessions: (parameters: Record<string, QueryValue> = {}) => `/api/v1/sessions${queryString(parameters)}`,
    session: (id: string) => `/api/v1/sessions/${segment(id)}`,
    spans: (id: string, parameters: Record<string, QueryValue> = {}) => `/api/v1/sessions/${segment(id)}/spans${queryString(parameters)}`,
    timeline: (id: string, parameters: Record<string, QueryValue> = {}) =>
      `/api/v1/sessions/${segment(id)}/timeline${queryString(parameters)}`,
    steps: (id: string, parameters: Record<string, QueryValue> = {}) => `/api/v1/sessions/${segment(id)}/steps${queryString(parameters)}`,
    content: (id: string, parameters: Record<string, QueryValue> = {}) =>
      `/api/v1/sessions/${segment(id)}/content${queryString(parameters)}`,
    payloads: (id: string, parameters: Record<string, QueryValue> = {}) =>
      `/api/v1/sessions/${segment(id)}/payloads${queryString(parameters)}`,
    control: (id: string, action: "kill" | "pause" | "resume") => `/api/v1/sessions/${segment(id)}/${action}`,
    activity: (id: string) => `/api/v1/sessions/${segment(id)}/activity`,
    agents: (id: string) => `/api/v1/sessions/${segment(id)}/agents`,
    cost: (parameters: Record<string, QueryValue> = {}) => `/api/v1/cost${queryString(parameters)}`,
    decisions: (parameters: Record<string, QueryValue> = {}) => `/api/v1/decisions${queryString(parameters)}`,
    events: (parameters: Record<string, QueryValue> = {}) => `/api/v1/events${queryString(parameters)}`,
    facets: () => "/api/v1/facets",
    pools: (parameters: Record<string, QueryValue> = {}) => `/api/v1/pools${queryString(parameters)}`,
    trees: (parameters: Record<string, QueryValue> = {}) => `/api/v1/trees${queryString(parameters)}`,
    explain: (parameters: Record<string, QueryValue> = {}) => `/api/v1/explain${queryString(parameters)}`,
    alerts: (parameters: Record<string, QueryValue> = {}) => `/api/v1/alerts${queryString(parameters)}`,
    alertRules: () => "/api/v1/alerts/rules",
    alertRule: (id: string, action?: "delete" | "mute") => `/api/v1/alerts/rules/${segment(id)}${action ? `/${action}` : ""}`,
    alertPreview: () => "/api/v1/alerts/preview",
    channels: () => "/api/v1/alerts/channels",
    channel: (id: string, action: "delete" | "test") => `/api/v1/alerts/channels/${segment(id)}/${action}`,
    acknowledge: (id: string) => `/api/v1/alerts/${segment(id)}/acknowledge`,
    memory: (parameters: Record<string, QueryValue> = {}) => `/api/v1/memory${queryString(parameters)}`,
    memoryFiles: (parameters: Record<string, QueryValue> = {}) => `/api/v1/memory/files${queryString(parameters)}`,
    settings: () => "/api/v1/settings",
    projects: () => "/api/v1/settings/projects",
    keys: () => "/api/v1/settings/keys",
    keyRevoke: (id: string) => `/api/v1/settings/keys/${segment(id)}/revoke`,
    testSpan: (name: string) => `/api/v1/settings/destinations/${segment(name)}/test`,
    views: () => "/api/v1/views",
    viewDelete: (id: string) => `/api/v1/views/${segment(id)}/delete`,
    simulations: () => "/api/v1/simulations",
    simulationPolicy: () => "/api/v1/simulations/policy",
    simulationCancel: (id: string) => `/api/v1/simulations/${segment(id)}/cancel`,
    attention: () => "/api/v1/attention",
    live: () => "/api/v1/live",
  },
} as const;
