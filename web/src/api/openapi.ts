import { z } from "zod";
import { AgentPage } from "./agent.ts";
import { AlertListParameters, AlertPage } from "./alert.ts";
import { AttentionPage } from "./attention.ts";
import { CostPage, CostParameters } from "./cost.ts";
import { DecisionListParameters, DecisionPage } from "./decision.ts";
import { ErrorBody } from "./error.ts";
import { LiveIngest, LiveState } from "./live.ts";
import { MemoryListParameters, MemoryPage } from "./memory.ts";
import { Session, SessionListParameters, SessionPage } from "./session.ts";
import { SpanListParameters, SpanPage } from "./span.ts";

interface Resource {
  path: string;
  summary: string;
  parameters: z.ZodObject;
  response: z.ZodType;
}

/** Every resource of the read API. The routes use the same schemas, so this document cannot drift from them. */
export const RESOURCES: readonly Resource[] = [
  { path: "/api/v1/sessions", summary: "Sessions, latest or costliest first", parameters: SessionListParameters, response: SessionPage },
  { path: "/api/v1/sessions/{id}", summary: "One session", parameters: z.object({}), response: Session },
  {
    path: "/api/v1/sessions/{id}/spans",
    summary: "The spans of a session in order of their start",
    parameters: SpanListParameters,
    response: SpanPage,
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
  { path: "/api/v1/alerts", summary: "Alerts, newest first", parameters: AlertListParameters, response: AlertPage },
  {
    path: "/api/v1/memory",
    summary: "Reads and writes of memory files, newest first",
    parameters: MemoryListParameters,
    response: MemoryPage,
  },
];

const ERRORS = {
  400: "A parameter is wrong: `field` names it",
  401: "No token, or a wrong one",
  404: "There is no such thing",
  503: "Postgres is not reachable",
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
        "Everything the dashboard shows. Lists are cursor pages: pass `next` back as `cursor`. Money is integer nano-USD as a string, with a USD number beside it; null means unknown.",
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    paths: {
      ...Object.fromEntries(RESOURCES.map((resource) => [resource.path, { get: operation(resource, components) }])),
      "/api/v1/live": { get: liveOperation(components) },
    },
    components: { securitySchemes: { token: { type: "http", scheme: "bearer", description: "SIGNALBOX_TOKEN" } }, schemas: components },
  };
}

function operation({ path, summary, parameters, response }: Resource, components: Record<string, unknown>) {
  return {
    summary,
    operationId: path.replace(/^\/api\/v1\//, "").replace(/[/{}]+(.)?/g, (_, next?: string) => (next ? next.toUpperCase() : "")),
    parameters: [...pathParameters(path), ...queryParameters(parameters)],
    responses: { 200: { description: "OK", content: json(response, components) }, ...errorResponses(path, components) },
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
  for (const [name, schema] of Object.entries({ LiveIngest, LiveState })) {
    const { $schema: _, ...definition } = z.toJSONSchema(schema);
    components[name] = definition;
  }
  return {
    summary: "What changes, as server-sent events",
    operationId: "live",
    description:
      "Events: `ingest` (LiveIngest) after spans were stored, at most four a second; `state` (LiveState) when the database goes or returns; `ping` every 15 seconds.",
    responses: {
      200: { description: "A stream that does not end", content: { "text/event-stream": { schema: { type: "string" } } } },
      401: { description: ERRORS[401], content: json(ErrorBody, components) },
    },
  };
}
