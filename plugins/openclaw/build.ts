import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import packageJson from "./package.json" with { type: "json" };

/**
 * Makes the plugin as OpenClaw loads it: a folder with a manifest and one JavaScript file that has everything in it but OpenClaw's
 * SDK. Bundled, because OpenClaw loads it from outside any node_modules and Node strips no types below one. Takes about 0.1 s.
 * Files that are the same already are left alone: a running gateway watches them.
 */
export async function buildPlugin(outDir: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "src", "index.ts")],
    outfile: join(outDir, "dist", "index.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: ["openclaw/*"],
    // CommonJS parts of the bundle call require for Node's own modules.
    banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
    legalComments: "none",
    logLevel: "silent",
    write: false,
  });
  const { name, version, description, license } = packageJson;
  const published = {
    name,
    version,
    description,
    license,
    type: "module",
    openclaw: { extensions: ["./dist/index.js"], compat: { pluginApi: ">=2026.9.0" } },
  };
  await update(join(outDir, "openclaw.plugin.json"), await readFile(join(import.meta.dirname, "openclaw.plugin.json"), "utf8"));
  await update(join(outDir, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  await update(join(outDir, "dist", "index.js"), outputFiles[0]?.text ?? "");
}

async function update(path: string, text: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => undefined)) === text) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.tmp`, text);
  await rename(`${path}.tmp`, path);
}
