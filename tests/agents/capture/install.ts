import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { agentsDir } from "../openclaw/install.ts";

export interface InstalledCli {
  /** The folder it was installed into. */
  dir: string;
  /** The executable that npm linked. */
  bin: string;
  version: string;
}

/**
 * Installs one CLI from npm into a folder of its own (`<agents dir>/<name>-<version>`), once a version.
 * Throws where npm fails, with its last words.
 */
export async function ensureCli(name: string, packageName: string, version: string): Promise<InstalledCli> {
  const dir = join(agentsDir(), `${name}-${version}`);
  // npm puts packages in place before their scripts run: only our own mark says that it came to its end.
  const mark = join(dir, "installed");
  if (!existsSync(mark)) {
    console.error(`installing ${packageName}@${version} into ${dir} (about 400 MB)`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "package.json"), '{ "private": true }\n');
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`, HOME: dir };
    await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", "--save-exact", `${packageName}@${version}`], {
      cwd: dir,
      env,
      maxBuffer: 16 * 1024 * 1024,
    }).catch((error: { stderr?: string }) => {
      throw new Error(`npm install ${packageName}@${version} failed in ${dir}: ${error.stderr?.trim().slice(-2_000)}`);
    });
    writeFileSync(mark, "");
  }
  const installed = JSON.parse(readFileSync(join(dir, "node_modules", packageName, "package.json"), "utf8")) as { version: string };
  return { dir, bin: join(dir, "node_modules", ".bin", name), version: installed.version };
}
