import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { SetupError } from "./errors.ts";
import { type Owner, postgresBinaries, postgresOwner, ROOT_STATE } from "./postgres-binaries.ts";
import { clearZombie, type Postmaster, runningPostmaster, stopPostmaster } from "./postmaster.ts";

export interface PostgresOptions {
  /** Folder of the cluster; made on first start. */
  dir: string;
  /** Loopback port; an adopted server keeps its own. */
  port: number;
  /** Server settings beside the defaults below. */
  settings?: Record<string, string>;
}

export interface EmbeddedPostgres {
  /** Connection string of the owner, who migrates and writes. */
  url: string;
  /** Connection string of the dashboard's login: it reads, and every transaction of it is read-only. */
  readerUrl: string;
  port: number;
  pid: number;
  /** Where the cluster really is: for root, outside its closed home. */
  dir: string;
  /** True when the server was already running, left by a parent that was killed. */
  adopted: boolean;
  /** Ends sessions and shuts down cleanly within 10 s, else at once. */
  stop(): Promise<void>;
}

const OWNER = "signalbox";
const READER = "signalbox_web";
const DATABASE = "signalbox";
const START_TIMEOUT_MS = 120_000;
const ADOPT_TIMEOUT_MS = 10_000;

const DEFAULT_SETTINGS: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "60",
  max_wal_size: "2GB",
  wal_level: "minimal",
  max_wal_senders: "0",
};

/** The owner's address of a cluster that startPostgres made. @throws SetupError when there is none in the folder, or it does not run. */
export function embeddedUrl(dir: string, port: number | null): string {
  const file = path.join(dir, "owner-password");
  if (port === null || !fs.existsSync(file))
    throw new SetupError("postgres", `No embedded Postgres runs in ${dir}: start it with npm start, or set DATABASE_URL.`);
  return `postgres://${OWNER}:${fs.readFileSync(file, "utf8").trim()}@127.0.0.1:${port}/${DATABASE}`;
}

/**
 * Starts Postgres 17 from npm on a folder of ours, or adopts the one that already runs there.
 * Loopback only, scram passwords generated into files of mode 0600.
 * @throws with Postgres' own last words when it does not come up.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const owner = postgresOwner();
  const dir = prepareFolder(path.resolve(options.dir), owner);
  const ownerPassword = readOrMakeSecret(path.join(dir, "owner-password"));
  const readerPassword = readOrMakeSecret(path.join(dir, "reader-password"));
  const url = (port: number, database: string) => `postgres://${OWNER}:${ownerPassword}@127.0.0.1:${port}/${database}`;

  const { server, adopted } = await adoptOrLaunch(dir, options, owner, ownerPassword, (port) =>
    createDatabaseAndReader(url(port, "postgres"), readerPassword),
  );
  const data = path.join(dir, "data");
  return {
    url: url(server.port, DATABASE),
    readerUrl: `postgres://${READER}:${readerPassword}@127.0.0.1:${server.port}/${DATABASE}`,
    port: server.port,
    pid: server.pid,
    dir,
    adopted,
    stop: async () => {
      if (!(await stopPostmaster(data, "SIGINT", 10_000))) await stopPostmaster(data, "SIGQUIT", 5_000);
    },
  };
}

/** A running server may be about to die (it was just killed): when it does not let us in, look again until it is gone. */
async function adoptOrLaunch(
  dir: string,
  { port, settings }: PostgresOptions,
  owner: Owner,
  password: string,
  greet: (port: number) => Promise<void>,
): Promise<{ server: Postmaster; adopted: boolean }> {
  const data = path.join(dir, "data");
  for (const deadline = Date.now() + ADOPT_TIMEOUT_MS; runningPostmaster(data); await sleep(100)) {
    try {
      const server = await untilReady(data, dir);
      await greet(server.port);
      return { server, adopted: true };
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
  const bin = postgresBinaries(owner, owner.uid === undefined ? path.join(dir, "bin") : ROOT_STATE);
  if (!fs.existsSync(path.join(data, "PG_VERSION"))) initialise(bin, data, password, owner);
  await clearZombie(data);
  for (const deadline = Date.now() + ADOPT_TIMEOUT_MS; ; await sleep(200)) {
    try {
      await launch(bin, data, dir, { ...DEFAULT_SETTINGS, ...settings, port: String(port) }, owner);
      break;
    } catch (error) {
      // the last sessions of a killed server take a moment to notice its end
      if (!String(error).includes("pre-existing shared memory") || Date.now() > deadline) throw error;
    }
  }
  const server = await untilReady(data, dir);
  await greet(server.port);
  return { server, adopted: false };
}

/** The port of a Postgres that already runs on this folder, or undefined. */
export function adoptablePort(dir: string): number | undefined {
  return runningPostmaster(path.join(clusterFolder(path.resolve(dir), postgresOwner()), "data"))?.port;
}

/** Root's Postgres runs under another account, which cannot enter a closed home: then the cluster stands under ROOT_STATE. */
function clusterFolder(dir: string, owner: Owner): string {
  if (owner.uid === undefined) return dir;
  for (let parent = path.dirname(dir); parent !== path.dirname(parent); parent = path.dirname(parent)) {
    const stat = fs.statSync(parent, { throwIfNoEntry: false });
    if (!stat || stat.mode & 0o001 || stat.uid === owner.uid) continue;
    return path.join(ROOT_STATE, createHash("sha256").update(dir).digest("hex").slice(0, 12));
  }
  return dir;
}

/**
 * Makes the cluster's folder. Where it stands elsewhere, a link in the state folder leads to it; a cluster whose link is gone
 * belongs to a state folder that someone removed to begin anew: it is set aside, not deleted, and not used.
 */
function prepareFolder(dir: string, owner: Owner): string {
  const cluster = clusterFolder(dir, owner);
  if (cluster !== dir) {
    fs.mkdirSync(path.dirname(dir), { recursive: true, mode: 0o700 });
    const linked = fs.lstatSync(dir, { throwIfNoEntry: false }) !== undefined;
    if (!linked && fs.existsSync(cluster) && !runningPostmaster(path.join(cluster, "data"))) {
      fs.renameSync(cluster, `${cluster}.removed-${Date.now()}`);
    }
    if (!linked) fs.symlinkSync(cluster, dir);
    // others must be able to pass: Postgres' account to its cluster and its binaries
    fs.mkdirSync(ROOT_STATE, { recursive: true });
    fs.chmodSync(ROOT_STATE, 0o755);
  }
  fs.mkdirSync(cluster, { recursive: true, mode: 0o700 });
  if (owner.uid !== undefined) fs.chownSync(cluster, owner.uid, owner.gid ?? owner.uid);
  return cluster;
}

function readOrMakeSecret(file: string): string {
  try {
    fs.writeFileSync(file, randomBytes(24).toString("hex"), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return fs.readFileSync(file, "utf8").trim();
}

function initialise(bin: string, data: string, password: string, owner: Owner): void {
  // initdb reads the password as its own account: hand it over in a file that only that account can read
  const passwordFile = `${data}.password`;
  fs.writeFileSync(passwordFile, password, { mode: 0o600 });
  if (owner.uid !== undefined) fs.chownSync(passwordFile, owner.uid, owner.gid ?? owner.uid);
  const args = [
    "-D",
    data,
    "-U",
    OWNER,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "-E",
    "UTF8",
    "--locale=C.UTF-8",
    "--no-instructions",
  ];
  const result = spawnSync(path.join(bin, "initdb"), args, {
    ...owner,
    cwd: path.dirname(data),
    encoding: "utf8",
    env: { ...process.env, TZ: "UTC" },
  });
  fs.rmSync(passwordFile, { force: true });
  if (result.status !== 0) {
    fs.rmSync(data, { recursive: true, force: true });
    throw new Error(`Postgres could not make its data folder ${data}: ${(result.stderr || String(result.error)).trim()}`);
  }
}

/** Detached: the server outlives a parent that is killed, and the next start adopts it. */
async function launch(bin: string, data: string, dir: string, settings: Record<string, string>, owner: Owner): Promise<void> {
  const args = ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  const log = fs.openSync(path.join(dir, "postgres.log"), "w", 0o600);
  const child = spawn(path.join(bin, "postgres"), args, { ...owner, cwd: dir, detached: true, stdio: ["ignore", log, log] });
  fs.closeSync(log);
  child.unref();
  let ended = false;
  child.once("exit", () => {
    ended = true;
  });
  child.once("error", () => {
    ended = true;
  });
  while (!runningPostmaster(data)) {
    if (ended) throw new Error(`Postgres did not start: ${lastWords(dir)}`);
    await sleep(10);
  }
}

async function untilReady(data: string, dir: string): Promise<Postmaster> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(10)) {
    const server = runningPostmaster(data);
    if (!server) throw new Error(`Postgres did not start: ${lastWords(dir)}`);
    if (server.ready) return server;
  }
  throw new Error(`Postgres was not ready after ${START_TIMEOUT_MS / 1000} s: ${lastWords(dir)}`);
}

function lastWords(dir: string): string {
  try {
    const lines = fs.readFileSync(path.join(dir, "postgres.log"), "utf8").trim().split("\n");
    const fatal = lines.findLast((line) => /FATAL|PANIC|could not/.test(line)) ?? lines.at(-1);
    return `${fatal} (log: ${path.join(dir, "postgres.log")})`;
  } catch {
    return "it left no log";
  }
}

async function createDatabaseAndReader(adminUrl: string, readerPassword: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    const [made] =
      await sql`select exists (select from pg_roles where rolname = ${READER}) and exists (select from pg_database where datname = ${DATABASE}) as done`;
    if (made?.done) return;
    await sql.unsafe(`
      do $$ begin
        if not exists (select from pg_roles where rolname = 'signalbox_reader') then create role signalbox_reader nologin; end if;
        if not exists (select from pg_roles where rolname = '${READER}') then create role ${READER} login in role signalbox_reader; end if;
      end $$;
      alter role ${READER} password '${readerPassword}';
      alter role ${READER} set default_transaction_read_only = on;`);
    const [database] = await sql`select 1 as found from pg_database where datname = ${DATABASE}`;
    if (!database) await sql.unsafe(`create database ${DATABASE}`);
  } finally {
    await sql.end();
  }
}
