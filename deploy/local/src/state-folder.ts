import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf, messageOf, SetupError } from "./errors.ts";

/** Where things are in the state folder ($SIGNALBOX_HOME). */
export function statePaths(home: string) {
  return {
    home,
    lock: join(home, "signalbox.lock"),
    token: join(home, "token"),
    loginTokens: join(home, "login-tokens"),
    logs: join(home, "logs"),
    postgres: join(home, "postgres"),
  };
}
export type StatePaths = ReturnType<typeof statePaths>;

/**
 * Makes the state folder, private to this user, and proves that it can be written.
 * @throws SetupError when it cannot.
 */
export function prepareStateFolder(home: string): StatePaths {
  const paths = statePaths(home);
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    if ((statSync(home).mode & 0o077) !== 0) chmodSync(home, 0o700);
    mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
    const probe = join(home, `.write-test-${process.pid}`);
    closeSync(openSync(probe, "w", 0o600));
    rmSync(probe);
  } catch (error) {
    throw new SetupError(
      "state_folder",
      `Cannot write the state folder ${home} (${reason(error)}). Make it writable for this user, or set SIGNALBOX_HOME to a folder that is.`,
    );
  }
  return paths;
}

function reason(error: unknown): string {
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "EROFS") return "read-only file system";
  if (code === "ENOSPC") return "no space left";
  if (code === "ENOTDIR" || code === "EEXIST") return "a file is in the way";
  return code ?? messageOf(error);
}

/**
 * The admin token: the environment's, else the one in the state folder, made on first use (mode 0600).
 * @throws SetupError when the file is there but cannot be read or is empty.
 */
export function ensureToken(paths: StatePaths, fromEnvironment: string | undefined): string {
  if (fromEnvironment !== undefined) return fromEnvironment;
  try {
    writeFileSync(paths.token, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw new SetupError("token_file", `Cannot write ${paths.token}: ${messageOf(error)}.`);
  }
  return readToken(paths);
}

/**
 * The token that an earlier start left in the state folder.
 * @throws SetupError when there is none.
 */
export function readToken(paths: StatePaths): string {
  let token: string;
  try {
    token = readFileSync(paths.token, "utf8").trim();
  } catch (error) {
    throw new SetupError(
      "token_file",
      `Cannot read the admin token in ${paths.token} (${reason(error)}). Set SIGNALBOX_TOKEN, or fix that file.`,
    );
  }
  if (token.length < 8) {
    throw new SetupError("token_file", `The admin token in ${paths.token} is too short. Delete the file: the next start makes a new one.`);
  }
  return token;
}
