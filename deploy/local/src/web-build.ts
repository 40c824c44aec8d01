import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, messageOf, SetupError } from "./errors.ts";
import { isRunning, markOf, type ProcessMark } from "./lock.ts";

/** A production build of the dashboard, ready to run. */
export interface WebBuild {
  /** Next's standalone server script */
  serverPath: string;
  /** true when this call made it */
  built: boolean;
}

export interface WebBuildOptions {
  /** ends a build that goes on */
  signal?: AbortSignal;
  /** where the build's output is kept */
  logPath?: string;
}

/** Beside `web/` itself, what its build depends on. */
const OUTSIDE_SOURCES = ["plugins/otel/src/conventions.ts", "package-lock.json"];
const IGNORED = /(^|\/)(node_modules|\.next|output)\/|\.test\.tsx?$|(^|\/)next-env\.d\.ts$|\.tsbuildinfo$/;
const STAMP = "signalbox-build.json";

/**
 * Makes the dashboard's production build, unless the one in `web/.next` was made from the same sources.
 *
 * @param root the repository
 * @throws SetupError with the build's own last lines, or when the folder cannot be written.
 */
export async function ensureWebBuild(root: string, options: WebBuildOptions = {}): Promise<WebBuild> {
  const web = join(root, "web");
  const hash = hashSources(root);
  if (readStamp(web) === hash) return { serverPath: standaloneServer(web), built: false };
  const lock = await lockBuild(root);
  try {
    // Someone else may have made it while we waited.
    if (readStamp(web) === hash) return { serverPath: standaloneServer(web), built: false };
    rmSync(join(web, ".next", STAMP), { force: true });
    await runNextBuild(root, options, lock.hold);
    const serverPath = standaloneServer(web);
    // Next leaves these two out of the standalone folder, for a CDN to serve.
    copyFresh(join(web, ".next", "static"), join(dirname(serverPath), ".next", "static"));
    copyFresh(join(web, "public"), join(dirname(serverPath), "public"));
    writeFileSync(join(web, ".next", STAMP), JSON.stringify({ hash, builtAt: new Date().toISOString() }));
    return { serverPath, built: true };
  } catch (error) {
    if (["EACCES", "EPERM", "EROFS"].includes(codeOf(error) ?? "")) {
      throw new SetupError(
        "web_build",
        `Cannot write the dashboard's build in ${join(web, ".next")} (${messageOf(error)}). Run once as a user who can.`,
      );
    }
    throw error;
  } finally {
    lock.release();
  }
}

/** SHA-256 over the names and contents of everything that goes into the build, and over what makes it. */
export function hashSources(root: string): string {
  const hash = createHash("sha256");
  const inside = globSync("**/*", { cwd: join(root, "web"), exclude: (name) => name === "node_modules" || name === ".next" }).map(
    (path) => `web/${path}`,
  );
  for (const path of [...inside, ...OUTSIDE_SOURCES].map((path) => path.split(sep).join("/")).sort()) {
    const full = join(root, path);
    if (IGNORED.test(path) || !statSync(full, { throwIfNoEntry: false })?.isFile()) continue;
    hash.update(`${path}\0`).update(createHash("sha256").update(readFileSync(full)).digest());
  }
  hash.update(`node ${process.versions.node.split(".")[0]} ${process.platform}-${process.arch}`);
  return hash.digest("hex");
}

function readStamp(web: string): string | undefined {
  try {
    const stamp: unknown = JSON.parse(readFileSync(join(web, ".next", STAMP), "utf8"));
    const hash: unknown = Reflect.get(Object(stamp), "hash");
    return typeof hash === "string" && existsSync(standaloneServer(web)) ? hash : undefined;
  } catch {
    return undefined;
  }
}

/** Where the server lies depends on the tracing root: the repository, or web itself. */
function standaloneServer(web: string): string {
  const candidates = [join(web, ".next/standalone/web/server.js"), join(web, ".next/standalone/server.js")];
  const found = candidates.find((path) => existsSync(path));
  if (!found) throw new SetupError("web_build", `The dashboard's build left no server.js in ${join(web, ".next/standalone")}.`);
  return found;
}

function copyFresh(from: string, to: string): void {
  if (!existsSync(from)) return;
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

function runNextBuild(root: string, { signal, logPath }: WebBuildOptions, hold: (pid: number) => void): Promise<void> {
  const web = join(root, "web");
  let next: string;
  try {
    next = createRequire(join(web, "package.json")).resolve("next/dist/bin/next");
  } catch {
    throw new SetupError("web_build", `Next.js is not installed in ${root}: run npm ci there.`);
  }
  return new Promise((resolve, reject) => {
    const env: NodeJS.ProcessEnv = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" };
    const child = spawn(process.execPath, [next, "build"], {
      cwd: web,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      ...(signal ? { signal } : {}),
    });
    // Ours may be killed with SIGKILL: until the build has ended, too, no other one can begin.
    if (child.pid !== undefined) hold(child.pid);
    let output = "";
    const keep = (chunk: string) => {
      output = (output + chunk).slice(-64 * 1024);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    // Ours dies: the build must not go on without anyone to use it.
    const stopBuild = () => child.kill("SIGTERM");
    process.once("exit", stopBuild);
    child.once("error", reject);
    child.once("close", (code) => {
      process.off("exit", stopBuild);
      if (logPath !== undefined) writeFileSync(logPath, output, { mode: 0o600 });
      if (code === 0) return resolve();
      const lastLines = output
        .trim()
        .split("\n")
        .slice(-15)
        .map((line) => `    ${line}`);
      reject(new SetupError("web_build", `The dashboard could not be built (next build, exit code ${code}):\n${lastLines.join("\n")}`));
    });
  });
}

interface BuildLock {
  /** Holds it for this process too, for as long as that runs. */
  hold(pid: number): void;
  release(): void;
}

/** One build at a time in a checkout; waits for another's. */
async function lockBuild(root: string): Promise<BuildLock> {
  const folder = join(root, "node_modules", ".cache", "signalbox");
  const path = join(folder, "web-build.lock");
  mkdirSync(folder, { recursive: true });
  const holders = [markOf(process.pid)];
  for (;;) {
    try {
      writeFileSync(path, JSON.stringify(holders), { flag: "wx" });
      return {
        hold(pid) {
          holders.push(markOf(pid));
          writeFileSync(path, JSON.stringify(holders));
        },
        release: () => rmSync(path, { force: true }),
      };
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    if (!isHeld(path)) rmSync(path, { force: true });
    else await sleep(200);
  }
}

function isHeld(path: string): boolean {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as ProcessMark[]).some(isRunning);
  } catch (error) {
    // Just made and not yet written, for a moment; or gone.
    const stat = statSync(path, { throwIfNoEntry: false });
    return codeOf(error) !== "ENOENT" && stat !== undefined && Date.now() - stat.mtimeMs < 2_000;
  }
}
