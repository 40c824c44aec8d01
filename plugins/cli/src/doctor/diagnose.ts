import { stat } from "node:fs/promises";
import {
  checkReady,
  checkTcp,
  codeOf,
  findTakenPorts,
  messageOf,
  PORT_VARIABLES,
  type Ports,
  type RunningInstall,
  readToken,
  runningInstall,
  type Settings,
  statePaths,
} from "@signalbox/local";
import { describePools, readPools } from "../pools.ts";
import { createReadApi } from "../read-api.ts";
import { formatLocal } from "../terminal.ts";
import { type DoctoredAgent, lookAtAgent } from "./agent.ts";
import { type Check, failed, type Look, type Outcome, ok, skipped } from "./check.ts";
import { sendProbe, untilSeen } from "./probe.ts";

/**
 * Looks at everything, from the ground up; a check that has no ground to stand on is skipped.
 * @param say called with each check as it ends
 * @param agent also whether this agent is set up, with one real turn of it
 */
export async function diagnose(
  settings: Settings,
  key: string | undefined,
  say: (check: Check) => void,
  agent?: DoctoredAgent,
): Promise<Check[]> {
  const checks: Check[] = [];
  const look: Look = async (name, work) => {
    const outcome = await Promise.resolve()
      .then(work)
      .catch(
        (error: unknown): Outcome => failed(messageOf(error), "npx signalbox status, and the logs in the state folder, may tell more."),
      );
    const check = { name, ...outcome };
    checks.push(check);
    say(check);
    return outcome.state === "ok";
  };

  await look("Node", checkNode);
  await look("state folder", () => checkStateFolder(settings.home));
  const running = runningInstall(statePaths(settings.home).lock);
  if (!running) {
    await look("ports", () => checkPortsFree(settings));
    await look("running", () => failed(`nothing runs on ${settings.home}`, "Start it: npm start"));
    return checks;
  }
  await look("running", () =>
    running.state === "ready"
      ? ok(`process ${running.pid}, since ${formatLocal(running.startedAt)}`)
      : failed(`process ${running.pid} is ${running.state}`, "Wait a moment, then run this again."),
  );
  await look("Postgres", () => checkPostgres(running));
  const logs = statePaths(settings.home).logs;
  const { addresses } = running;
  const ready: boolean[] = [];
  for (const [name, address] of [
    ["collector", addresses.otlp],
    ["scheduler", addresses.scheduler],
    ["web", addresses.web],
  ] as const) {
    ready.push(
      await look(name, async () => {
        const readiness = await checkReady(address);
        return readiness.ready ? ok(`${address} is ready`) : failed(`${address}: ${readiness.reason}`, `Its log: ${logs}/${name}.log`);
      }),
    );
  }
  await look("OTLP over gRPC", async () => {
    const { hostname, port } = new URL(addresses.otlpGrpc);
    if (await checkTcp(hostname, Number(port))) return ok(`${addresses.otlpGrpc} listens`);
    return failed(`${addresses.otlpGrpc} does not listen`, `Its log: ${logs}/collector.log`);
  });
  await look("pools", () => checkPools(running, settings));
  await lookAtOneRequest(settings, running, key, ready, look);
  if (agent !== undefined) await lookAtAgent(agent, settings, key, running, ready, look);
  return checks;
}

async function lookAtOneRequest(
  settings: Settings,
  running: RunningInstall,
  key: string | undefined,
  [collector, scheduler, web]: readonly boolean[],
  look: Look,
): Promise<void> {
  const { addresses } = running;
  let probe: Awaited<ReturnType<typeof sendProbe>> | undefined;
  await look("one request", async () => {
    if (!scheduler) return skipped("the scheduler is not ready");
    probe = await sendProbe(addresses.scheduler, key);
    return ok(`${probe.model} answered from pool ${probe.pool ?? "?"} in ${Math.round(probe.ms)} ms`);
  });
  await look("its span", async () => {
    if (!probe) return skipped("no request was answered");
    if (!collector || !web) return skipped("the collector or the dashboard is not ready");
    const api = createReadApi(addresses.web, settings.token ?? readToken(statePaths(settings.home)));
    const seenAfterMs = await untilSeen(api, probe);
    if (seenAfterMs === undefined) {
      return failed(
        "not in the dashboard after 10 s",
        `The scheduler sends to ${addresses.otlp}: see the logs of scheduler and collector.`,
      );
    }
    return ok(`seen in the dashboard ${Math.round(seenAfterMs)} ms later`);
  });
}

async function checkPools({ addresses }: RunningInstall, settings: Settings): Promise<Outcome> {
  const pools = await readPools(addresses.scheduler, settings.token ?? readToken(statePaths(settings.home)));
  if (!pools) return skipped("the scheduler does not tell");
  const down = pools.data.filter(({ state }) => state === "unhealthy");
  const found = pools.found.length === 0 ? "" : `; found ${pools.found.join("; ")}`;
  if (down.length === 0) return ok(`${describePools(pools)}${found}`);
  return failed(
    down.map(({ name, reason }) => `${name}: ${reason}`).join("; "),
    "Mend that, or take the pool out of signalbox.config.yaml; the others serve meanwhile.",
  );
}

function checkNode(): Outcome {
  const major = Number(process.versions.node.split(".")[0]);
  return major >= 24 ? ok(process.versions.node) : failed(process.versions.node, "Install Node 24 or newer.");
}

async function checkStateFolder(home: string): Promise<Outcome> {
  try {
    const { mode } = await stat(home);
    if ((mode & 0o077) !== 0) return failed(`${home} can be read by others (mode ${(mode & 0o777).toString(8)})`, `chmod 700 ${home}`);
    return ok(home);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return ok(`${home} is made at the first start`);
    return failed(`${home}: ${messageOf(error)}`, "Make it writable for this user, or set SIGNALBOX_HOME.");
  }
}

async function checkPortsFree(settings: Settings): Promise<Outcome> {
  const parts = (Object.keys(PORT_VARIABLES) as (keyof Ports)[]).filter(
    (part) => part !== "postgres" || settings.databaseUrl === undefined,
  );
  const [first, ...rest] = await findTakenPorts(settings.host, settings.ports, parts);
  if (!first) return ok(`${parts.map((part) => settings.ports[part]).join(", ")} are free`);
  const by = ({ holder }: typeof first) => (holder ? `process ${holder.pid} (${holder.command})` : "another process");
  return failed(
    [first, ...rest].map((taken) => `${taken.port} is taken by ${by(taken)}`).join("; "),
    `Stop that, or set ${[first, ...rest].map(({ part }) => PORT_VARIABLES[part]).join(", ")}.`,
  );
}

async function checkPostgres({ postgresPort }: RunningInstall): Promise<Outcome> {
  if (postgresPort === null) return ok("an outside one (DATABASE_URL); collector and web below tell whether it answers");
  return (await checkTcp("127.0.0.1", postgresPort))
    ? ok(`embedded, listens on 127.0.0.1:${postgresPort}`)
    : failed(`does not listen on 127.0.0.1:${postgresPort}`, "Look at where Signalbox runs: it says why Postgres does not start.");
}
