import { z } from "zod";
import { AgentPage } from "./agent.ts";
import { AlertListParameters, AlertPage, AlertPreview, AlertRulePage, ChannelPage } from "./alert.ts";
import {
  AlertPreviewRequest,
  AlertRuleRequest,
  ChannelRequest,
  ChannelTested,
  ChannelWritten,
  Done,
  MuteRequest,
  NoRequest,
  RuleWritten,
} from "./alert-change.ts";
import { AttentionPage } from "./attention.ts";
import { CONTROL_ACTIONS, ControlRequest, Receipt, SessionActivity } from "./control.ts";
import { CostPage, CostParameters } from "./cost.ts";
import { DecisionListParameters, DecisionPage } from "./decision.ts";
import { ErrorBody } from "./error.ts";
import { EventListParameters, EventPage } from "./event.ts";
import { ExplainParameters, Explanation } from "./explain.ts";
import { EXPORT_FORMATS } from "./export-format.ts";
import { Facets } from "./facets.ts";
import { LiveIngest, LivePools, LiveState } from "./live.ts";
import { MemoryFileListParameters, MemoryFilePage, MemoryListParameters, MemoryPage } from "./memory.ts";
import { PayloadListParameters, PayloadPage } from "./payload.ts";
import { PoolListParameters, PoolPage } from "./pool.ts";
import { Session, SessionListParameters, SessionPage } from "./session.ts";
import { ApiKeyPage, KeyMade, KeyRequest, ProjectPage, Settings, SettingsListParameters, TestSpanSent } from "./settings.ts";
import { Simulation, SimulationPage, SimulationPolicy, SimulationRequest } from "./simulation.ts";
import { SpanListParameters, SpanPage } from "./span.ts";
import { StepListParameters, StepPage } from "./step.ts";
import { StepContentPage, StepContentParameters } from "./step-content.ts";
import { TimelinePage, TimelineParameters } from "./timeline.ts";
import { AgentTreePage, TreeListParameters } from "./tree.ts";
import { SavedViewPage, SavedViewParameters, SavedViewRequest, SavedViewWritten } from "./view.ts";

interface Resource {
  path: string;
  summary: string;
  parameters: z.ZodObject;
  response: z.ZodType;
}

/** Every resource of the read API. The routes use the same schemas, so this document cannot drift from them. */
export const RESOURCES: readonly Resource[] = [
  {
    path: "/api/v1/simulations",
    summary: "The what-if simulation that runs or ran last",
    parameters: z.object({}),
    response: SimulationPage,
  },
  {
    path: "/api/v1/simulations/policy",
    summary: "The policy in force, to be edited",
    parameters: z.object({}),
    response: SimulationPolicy,
  },
  { path: "/api/v1/sessions", summary: "Sessions, latest or costliest first", parameters: SessionListParameters, response: SessionPage },
  { path: "/api/v1/sessions/{id}", summary: "One session", parameters: z.object({}), response: Session },
  {
    path: "/api/v1/sessions/{id}/spans",
    summary: "The spans of a session in order of their start",
    parameters: SpanListParameters,
    response: SpanPage,
  },
  {
    path: "/api/v1/sessions/{id}/timeline",
    summary: "The spans of a session in order of their start, as far as they are drawn over time",
    parameters: TimelineParameters,
    response: TimelinePage,
  },
  {
    path: "/api/v1/sessions/{id}/steps",
    summary: "The turns, model calls and tool calls of a session in order of their start",
    parameters: StepListParameters,
    response: StepPage,
  },
  {
    path: "/api/v1/sessions/{id}/content",
    summary: "What was said in some steps of a session",
    parameters: StepContentParameters,
    response: StepContentPage,
  },
  {
    path: "/api/v1/sessions/{id}/payloads",
    summary: "The bodies that one attempt sent to its pool and received from it",
    parameters: PayloadListParameters,
    response: PayloadPage,
  },
  {
    path: "/api/v1/sessions/{id}/agents",
    summary: "The agents of a session, with own and roll-up cost",
    parameters: z.object({}),
    response: AgentPage,
  },
  {
    path: "/api/v1/cost",
    summary: "Calls, tokens and cost by group, in total or over time",
    parameters: CostParameters,
    response: CostPage,
  },
  {
    path: "/api/v1/decisions",
    summary: "Routing decisions with their candidates, newest first",
    parameters: DecisionListParameters,
    response: DecisionPage,
  },
  {
    path: "/api/v1/attention",
    summary: "What of the last 24 hours a person should look at",
    parameters: z.object({}),
    response: AttentionPage,
  },
  {
    path: "/api/v1/events",
    summary: "Turns, calls, tools and decisions, newest first",
    parameters: EventListParameters,
    response: EventPage,
  },
  { path: "/api/v1/facets", summary: "What filters can choose from", parameters: z.object({}), response: Facets },
  { path: "/api/v1/pools", summary: "Pools: now, over a range, and who held them", parameters: PoolListParameters, response: PoolPage },
  { path: "/api/v1/trees", summary: "Sessions that spawned sub-agents", parameters: TreeListParameters, response: AgentTreePage },
  {
    path: "/api/v1/explain",
    summary: "What a range cost against the one before it, and why",
    parameters: ExplainParameters,
    response: Explanation,
  },
  {
    path: "/api/v1/sessions/{id}/activity",
    summary: "What would stop if this session were killed now",
    parameters: z.object({}),
    response: SessionActivity,
  },
  { path: "/api/v1/alerts", summary: "Alerts, newest first", parameters: AlertListParameters, response: AlertPage },
  { path: "/api/v1/alerts/rules", summary: "Alert rules", parameters: z.object({}), response: AlertRulePage },
  { path: "/api/v1/alerts/channels", summary: "Where notifications can go", parameters: z.object({}), response: ChannelPage },
  {
    path: "/api/v1/memory",
    summary: "Reads and writes of memory files, newest first",
    parameters: MemoryListParameters,
    response: MemoryPage,
  },
  {
    path: "/api/v1/memory/files",
    summary: "Memory files, the one that was touched last first",
    parameters: MemoryFileListParameters,
    response: MemoryFilePage,
  },
  { path: "/api/v1/views", summary: "Saved views of pages", parameters: SavedViewParameters, response: SavedViewPage },
  { path: "/api/v1/settings", summary: "Prices, exports, and what is kept", parameters: z.object({}), response: Settings },
  {
    path: "/api/v1/settings/projects",
    summary: "Projects with their members, the one heard last first",
    parameters: SettingsListParameters,
    response: ProjectPage,
  },
  {
    path: "/api/v1/settings/keys",
    summary: "Keys made in the dashboard, never the keys themselves",
    parameters: SettingsListParameters,
    response: ApiKeyPage,
  },
];

/** Changes that the collector makes. */
export const CHANGES: readonly { path: string; name: string; summary: string; request: z.ZodType; response: z.ZodType }[] = [
  {
    path: "/api/v1/simulations",
    name: "startSimulation",
    summary: "Play stored decisions through the policy in force and an edited one; one at a time",
    request: SimulationRequest,
    response: Simulation,
  },
  {
    path: "/api/v1/simulations/{id}/cancel",
    name: "cancelSimulation",
    summary: "End a simulation",
    request: NoRequest,
    response: Simulation,
  },
  { path: "/api/v1/alerts/rules", name: "createRule", summary: "Make a rule", request: AlertRuleRequest, response: RuleWritten },
  { path: "/api/v1/alerts/rules/{id}", name: "replaceRule", summary: "Replace a rule", request: AlertRuleRequest, response: RuleWritten },
  { path: "/api/v1/alerts/rules/{id}/delete", name: "deleteRule", summary: "Delete a rule", request: NoRequest, response: Done },
  { path: "/api/v1/alerts/rules/{id}/mute", name: "muteRule", summary: "Notify nobody for a while", request: MuteRequest, response: Done },
  {
    path: "/api/v1/alerts/preview",
    name: "previewRule",
    summary: "When would a rule have fired?",
    request: AlertPreviewRequest,
    response: AlertPreview,
  },
  { path: "/api/v1/alerts/channels", name: "createChannel", summary: "Add a channel", request: ChannelRequest, response: ChannelWritten },
  { path: "/api/v1/alerts/channels/{id}/delete", name: "deleteChannel", summary: "Delete a channel", request: NoRequest, response: Done },
  {
    path: "/api/v1/alerts/channels/{id}/test",
    name: "testChannel",
    summary: "Send a test, and say whether it arrived",
    request: NoRequest,
    response: ChannelTested,
  },
  {
    path: "/api/v1/settings/keys",
    name: "createKey",
    summary: "Make a key; the answer is the only place where it stands",
    request: KeyRequest,
    response: KeyMade,
  },
  { path: "/api/v1/settings/keys/{id}/revoke", name: "revokeKey", summary: "Refuse a key from now on", request: NoRequest, response: Done },
  {
    path: "/api/v1/settings/destinations/{name}/test",
    name: "sendTestSpan",
    summary: "Send one span to a destination, and say whether it was taken",
    request: NoRequest,
    response: TestSpanSent,
  },
  {
    path: "/api/v1/views",
    name: "saveView",
    summary: "Save a view; one of the same page and name is replaced",
    request: SavedViewRequest,
    response: SavedViewWritten,
  },
  { path: "/api/v1/views/{id}/delete", name: "deleteView", summary: "Delete a view", request: NoRequest, response: Done },
  {
    path: "/api/v1/alerts/{id}/acknowledge",
    name: "acknowledgeAlert",
    summary: "Say that a person looks at it",
    request: NoRequest,
    response: Done,
  },
];

const ERRORS = {
  400: "A parameter is wrong: `field` names it",
  401: "No token, or a wrong one",
  403: "The key is of one project, which does not include this",
  404: "There is no such thing",
  503: "Postgres is not reachable",
};

const CHANGE_ERRORS = {
  400: "The body is wrong: `field` names where",
  401: "No token, or a wrong one",
  403: "The request came from another site",
  404: "There is no such thing",
  503: "The collector is not reachable",
};

const CONTROL_ERRORS = {
  400: "The body is wrong: `field` names where",
  401: "No token, or a wrong one",
  403: "The request came from another site",
  502: "The scheduler refused",
  503: "The scheduler is not reachable",
};

/** The OpenAPI 3.1 document of the read API, made from the schemas that answer it. */
export function openApiDocument(): object {
  const components: Record<string, unknown> = {};
  return {
    openapi: "3.1.0",
    info: {
      title: "Signalbox read API",
      version: "1",
      description:
        "Everything the dashboard shows, and the stops it asks for. Lists are cursor pages: pass `next` back as `cursor`. Money is integer nano-USD as a string, with a USD number beside it; null means unknown.",
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    paths: {
      ...resourcePaths(components),
      ...Object.fromEntries(
        CONTROL_ACTIONS.map((action) => [`/api/v1/sessions/{id}/${action}`, { post: controlOperation(action, components) }]),
      ),
      "/api/v1/live": { get: liveOperation(components) },
    },
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "SIGNALBOX_TOKEN, or for reading a key made under Settings" },
      },
      schemas: components,
    },
  };
}

function operation({ path, summary, parameters, response }: Resource, components: Record<string, unknown>) {
  return {
    summary,
    operationId: path.replace(/^\/api\/v1\//, "").replace(/[/{}]+(.)?/g, (_, next?: string) => (next ? next.toUpperCase() : "")),
    parameters: [...pathParameters(path), ...queryParameters(parameters), ...("cursor" in parameters.shape ? [FORMAT_PARAMETER] : [])],
    responses: { 200: { description: "OK", content: json(response, components) }, ...errorResponses(path, components) },
  };
}

/** What is read and what is changed, by address. */
function resourcePaths(components: Record<string, unknown>): Record<string, object> {
  const paths: Record<string, object> = {};
  for (const resource of RESOURCES) paths[resource.path] = { get: operation(resource, components) };
  for (const { path, name, summary, request, response } of CHANGES) {
    const post = {
      summary,
      operationId: name,
      parameters: pathParameters(path),
      requestBody: { required: true, content: json(request, components) },
      responses: {
        200: { description: "Done", content: json(response, components) },
        ...Object.fromEntries(
          Object.entries(CHANGE_ERRORS).map(([status, description]) => [status, { description, content: json(ErrorBody, components) }]),
        ),
      },
    };
    paths[path] = { ...paths[path], post };
  }
  return paths;
}

/** A change: passed on to the scheduler, which does it and answers with a receipt. */
function controlOperation(action: string, components: Record<string, unknown>) {
  return {
    summary: `${action[0]?.toUpperCase()}${action.slice(1)} a session and all its sub-agents`,
    operationId: `${action}Session`,
    parameters: pathParameters("/{id}"),
    requestBody: { required: true, content: json(ControlRequest, components) },
    responses: {
      200: { description: "What was reached, and what nobody confirmed", content: json(Receipt, components) },
      ...Object.fromEntries(
        Object.entries(CONTROL_ERRORS).map(([status, description]) => [status, { description, content: json(ErrorBody, components) }]),
      ),
    },
  };
}

function errorResponses(path: string, components: Record<string, unknown>) {
  const isSingle = path.includes("{id}");
  return Object.fromEntries(
    Object.entries(ERRORS)
      .filter(([status]) => isSingle || status !== "404")
      .map(([status, description]) => [status, { description, content: json(ErrorBody, components) }]),
  );
}

const pathParameters = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    description: "percent-encoded",
    schema: { type: "string" },
  }));

const FORMAT_PARAMETER = {
  name: "format",
  in: "query",
  required: false,
  description: "the whole list as a download, all its pages, up to 200,000 rows",
  schema: { type: "string", enum: EXPORT_FORMATS },
};

function queryParameters(schema: z.ZodObject) {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = typeof property === "object" ? property : {};
    return { name, in: "query", required: false, ...(description === undefined ? {} : { description }), schema: rest };
  });
}

function json(schema: z.ZodType, components: Record<string, unknown>) {
  const { $defs, $schema: _, ...root } = z.toJSONSchema(schema, { io: "output", unrepresentable: "any", target: "draft-2020-12" });
  const lift = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
  for (const [name, definition] of Object.entries($defs ?? {})) components[name] ??= lift(definition);
  // a schema with an id is a component of its own
  const { id, ...inline } = root as { id?: string };
  if (id === undefined) return { "application/json": { schema: lift(inline) } };
  components[id] ??= lift(inline);
  return { "application/json": { schema: { $ref: `#/components/schemas/${id}` } } };
}

function liveOperation(components: Record<string, unknown>) {
  for (const schema of [LiveIngest, LiveState, LivePools]) json(schema, components);
  return {
    summary: "What changes, as server-sent events",
    operationId: "live",
    description:
      "Events: `ingest` (LiveIngest) after spans were stored, at most four a second; `state` (LiveState) when the database goes or returns; `pools` (LivePools) when the scheduler's pools are otherwise than before; `ping` every 15 seconds.",
    responses: {
      200: { description: "A stream that does not end", content: { "text/event-stream": { schema: { type: "string" } } } },
      401: { description: ERRORS[401], content: json(ErrorBody, components) },
    },
  };
}
