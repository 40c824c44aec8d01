import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { createDatabase } from "../support/postgres.ts";
import { ensureWebBuild } from "../support/web-build.ts";
import { makePlace, type Place, processesOf, run, start } from "./up-support.ts";

/** The dashboard's build takes half a minute, on two busy cores minutes: of that no test is made. */
const BUILD_MS = 600_000;

/** What is in the way of a start is said in one line, and nothing is half-started. */
describe("signalbox up, refused", { timeout: 120_000 }, () => {
  let place: Place;
  beforeAll(async () => {
    await ensureWebBuild();
    place = await makePlace();
  }, BUILD_MS);
  afterAll(() => place.remove());

  const refused = async (extra: Record<string, string | undefined>) => {
    const { code, output } = await run(place, ["up"], extra);
    expect(code, output).toBe(1);
    expect(processesOf(place)).toEqual([]);
    expect(existsSync(path.join(place.home, "signalbox.lock"))).toBe(false);
    const lines = output.split("\n").filter((line) => line.startsWith("signalbox: "));
    expect(lines, output).toHaveLength(1);
    expect(output).not.toMatch(/\n\s+at /);
    return lines[0] ?? "";
  };

  it.each([
    ["web", "SIGNALBOX_WEB_PORT", "the dashboard"],
    ["otlp", "SIGNALBOX_OTLP_PORT", "the collector"],
    ["otlpGrpc", "SIGNALBOX_OTLP_GRPC_PORT", "the collector"],
    ["scheduler", "SIGNALBOX_SCHEDULER_PORT", "the scheduler"],
    ["postgres", "SIGNALBOX_POSTGRES_PORT", "the embedded Postgres"],
  ] as const)("names a taken %s port, who holds it and the variable", async (part, variable, use) => {
    const server = await listen(place.ports[part]);
    try {
      const line = await refused({});
      expect(line).toContain(`Port ${place.ports[part]} (`);
      expect(line).toContain(use);
      expect(line).toContain(`process ${process.pid} (`);
      expect(line).toContain(`${variable}=`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("names a state folder that cannot be written", async () => {
    const file = path.join(place.home, "a-file");
    await writeFile(file, "");
    const line = await refused({ SIGNALBOX_HOME: path.join(file, "state") });
    expect(line).toContain(`Cannot write the state folder ${file}/state (a file is in the way)`);
    expect(line).toContain("SIGNALBOX_HOME");
  });

  it("names a DATABASE_URL where nothing listens, without its password", async () => {
    const port = await freePort();
    const line = await refused({ DATABASE_URL: `postgres://me:hunter22@127.0.0.1:${port}/signalbox` });
    expect(line).toContain(`DATABASE_URL: nothing listens at 127.0.0.1:${port}`);
    expect(line).not.toContain("hunter22");
  });

  it("names a DATABASE_URL whose password is wrong, or whose database is missing", async () => {
    const database = await createDatabase();
    try {
      const wrong = new URL(database.url);
      wrong.password = "not-this-one";
      expect(await refused({ DATABASE_URL: wrong.href })).toMatch(/DATABASE_URL: Postgres at \S+ refuses user "\w+"/);
      const missing = new URL(database.url);
      missing.pathname = "/nowhere";
      expect(await refused({ DATABASE_URL: missing.href })).toContain('has no database "nowhere"');
    } finally {
      await database.drop();
    }
  });

  it("names a DATABASE_URL that is not one, and a port that is not one", async () => {
    expect(await refused({ DATABASE_URL: "localhost/signalbox" })).toContain("DATABASE_URL is not a Postgres address");
    expect(await refused({ SIGNALBOX_WEB_PORT: "http" })).toContain("SIGNALBOX_WEB_PORT=http is not a port");
  });

  it("says a signalbox.config.yaml's mistake with its line, in the part's own words", async () => {
    const config = path.join(place.home, "broken.yaml");
    await writeFile(config, "pools:\n  - name: x\n    silicon: quantum\n    engine: llama-cpp\n    model: demo\n    models: [{ id: x }]\n");
    const line = await refused({ SIGNALBOX_CONFIG: config });
    expect(line).toMatch(/^signalbox: \S+broken\.yaml:3:\d+: pools\[0\]\.silicon: /);
  });
});

describe("signalbox up on an outside Postgres", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await ensureWebBuild();
  }, BUILD_MS);

  it("migrates it, runs on it, and leaves it running", async () => {
    const place = await makePlace();
    const database = await createDatabase();
    try {
      const running = start(place, ["up", "--json"], { DATABASE_URL: database.url });
      expect(JSON.parse((await running.until(/\n/)).trim())).toMatchObject({ state: "ready", postgres: "outside" });
      const doctor = await run(place, ["doctor", "--json"], { DATABASE_URL: database.url });
      expect(JSON.parse(doctor.output)).toMatchObject({ ok: true });
      expect(existsSync(path.join(place.home, "postgres"))).toBe(false);
      expect(await running.end("SIGINT")).toEqual({ code: 0, signal: null });
      expect(processesOf(place)).toEqual([]);
    } finally {
      await database.drop(); // would fail if it were not running
      await place.remove();
    }
  });
});

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
