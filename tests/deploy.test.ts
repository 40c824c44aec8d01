import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../collector-processor/src/config.ts";

/** The files of deploy/ hold together: names that are used are declared, ports meet. Whether Grafana, Jaeger and the Collector take them is not shown here. */

const root = path.join(import.meta.dirname, "..", "deploy");
const text = (file: string) => readFileSync(path.join(root, file), "utf8");
type Yaml = Record<string, never>;
const yaml = (file: string): Yaml => parse(text(file));

const files = (folder: string, ending: string) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending) && !file.includes("node_modules"))
    .map((file) => path.join(folder, file));

interface CollectorConfig {
  extensions?: Record<string, unknown>;
  receivers: Record<string, { protocols: Record<string, { endpoint: string }> }>;
  processors: Record<string, unknown>;
  exporters: Record<string, unknown>;
  service: { extensions?: string[]; pipelines: Record<string, { receivers: string[]; processors: string[]; exporters: string[] }> };
}

describe.each(["jaeger/config.yaml", "otel-collector/before.yaml", "otel-collector/behind.yaml"])("%s", (file) => {
  const config = yaml(file) as unknown as CollectorConfig;
  it("uses what it declares, and declares what it uses", () => {
    const { service, ...declared } = config;
    const pipelines = Object.values(service.pipelines);
    for (const kind of ["receivers", "processors", "exporters"] as const) {
      const used = new Set(pipelines.flatMap((pipeline) => pipeline[kind]));
      expect([...used].sort(), kind).toEqual(Object.keys(declared[kind]).sort());
    }
    expect([...(service.extensions ?? [])].sort()).toEqual(Object.keys(config.extensions ?? {}).sort());
  });
});

const portsOf = (file: string) =>
  Object.values((yaml(file) as unknown as CollectorConfig).receivers).flatMap(({ protocols }) =>
    Object.entries(protocols).map(([protocol, { endpoint }]) => `${protocol} ${endpoint.split(":").at(-1)}`),
  );

it.each([
  ["jaeger/fan-out.yaml", ["http 14318"], portsOf("jaeger/config.yaml")],
  ["otel-collector/fan-out.yaml", ["grpc 24317"], portsOf("otel-collector/behind.yaml")],
  ["compose/fan-out.yaml", ["http 14318", "http 34318"], [...portsOf("jaeger/config.yaml"), "http 34318"]],
])("%s is part of a configuration, and sends to where somebody listens", (file, wanted, listening) => {
  const { fanOut } = parseConfig(text(file), file, {});
  const sent = fanOut.map(({ protocol, url }) => `${protocol} ${new URL(url).port}`);
  expect(sent).toEqual(wanted);
  for (const port of sent) expect(listening).toContain(port);
  expect(fanOut.every(({ content }) => !content)).toBe(true);
});

it("Tempo of compose listens where fan-out sends and Grafana asks", () => {
  const tempo = yaml("compose/tempo.yaml") as unknown as {
    distributor: { receivers: CollectorConfig["receivers"] };
    server: { http_listen_port: number };
  };
  expect(tempo.distributor.receivers.otlp?.protocols.http?.endpoint).toBe("127.0.0.1:34318");
  expect(text("compose/compose.yaml")).toContain(`TEMPO_URL: http://127.0.0.1:${tempo.server.http_listen_port}`);
});

it("compose mounts what is there, and sets every variable of the data sources", () => {
  const compose = yaml("compose/compose.yaml") as unknown as { services: Record<string, { volumes: string[]; environment?: object }> };
  const mounted = Object.values(compose.services).flatMap(({ volumes }) => volumes.map((volume) => volume.split(":")[0] ?? ""));
  for (const source of mounted.filter((volume) => volume.startsWith("."))) {
    expect(existsSync(path.join(root, "compose", source)), source).toBe(true);
  }
  const variables = text("grafana/provisioning/datasources/signalbox.yaml").matchAll(/: \$([A-Z_]+)/g);
  for (const [, variable] of variables) expect(Object.keys(compose.services.grafana?.environment ?? {})).toContain(variable);
});

interface Dashboard {
  uid: string;
  title: string;
  panels: {
    id: number;
    title: string;
    gridPos: { x: number; y: number; w: number; h: number };
    datasource: { uid: string; type: string };
  }[];
}
describe("Grafana's dashboards", () => {
  const { datasources } = yaml("grafana/provisioning/datasources/signalbox.yaml") as unknown as {
    datasources: { uid: string; type: string }[];
  };
  const dashboards = files("grafana/dashboards", ".json").map((file) => JSON.parse(text(file)) as Dashboard);

  it("have ids of their own", () => expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length));

  it.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))(
    "%s: known data sources, panels beside each other",
    (_title, { panels }) => {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const taken = new Set<string>();
      for (const { datasource, gridPos, title } of panels) {
        expect(datasources, title).toContainEqual(expect.objectContaining(datasource));
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(taken.has(`${x} ${y}`), `${title} lies over another`).toBe(false);
            taken.add(`${x} ${y}`);
          }
        }
      }
    },
  );
});
