import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** The OpenClaw the fixtures were captured from. */
export const OPENCLAW_VERSION = process.env.SIGNALBOX_OPENCLAW_VERSION ?? "2026.9.6";

export interface InstalledOpenclaw {
  /** The `openclaw.mjs` that `node` runs. */
  entry: string;
  version: string;
}

/** The folder real agents are installed into: never inside the repository, never a dependency of the product. */
export const agentsDir = () => process.env.SIGNALBOX_AGENTS_DIR ?? join(homedir(), ".cache", "signalbox-agents");

/**
 * Installs OpenClaw from npm (about 650 MB, half a minute) into its own folder, once a version.
 * Throws where npm fails, with its last words.
 */
export async function ensureOpenclaw(version = OPENCLAW_VERSION, log: (line: string) => void = () => {}): Promise<InstalledOpenclaw> {
  const dir = join(agentsDir(), `openclaw-${version}`);
  const packageFile = join(dir, "node_modules", "openclaw", "package.json");
  // npm puts packages in place before their scripts run: only our own mark says that it came to its end.
  const mark = join(dir, "installed");
  if (!existsSync(mark)) {
    log(`installing openclaw@${version} into ${dir} (about 650 MB)`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "package.json"), '{ "private": true }\n');
    // `npm run` tells its children which project they are in; this install is in none.
    const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}` };
    for (const name of Object.keys(env)) if (/^npm_(?:package|lifecycle|config_local_prefix)/.test(name)) delete env[name];
    await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", "--save-exact", `openclaw@${version}`], {
      cwd: dir,
      env,
      maxBuffer: 16 * 1024 * 1024,
    }).catch((error: { stderr?: string }) => {
      throw new Error(`npm install openclaw@${version} failed in ${dir}: ${error.stderr?.trim().slice(-2_000)}`);
    });
    writeFileSync(mark, "");
  }
  const installed = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };
  return { entry: join(dir, "node_modules", "openclaw", "openclaw.mjs"), version: installed.version };
}
