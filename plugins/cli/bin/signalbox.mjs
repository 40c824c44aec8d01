#!/usr/bin/env node
// The `signalbox` command. Plain JavaScript for Node 18 and newer: it finds a Node 24, which runs src/main.ts as it is.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED_MAJOR = 24;
const main = new URL("../src/main.ts", import.meta.url);
const major = (version) => Number(version.split(".")[0]);

/** npm killed with SIGKILL cannot pass that on: under npm, a parent that changes means that it is gone. */
function whenNpmIsGone(stop) {
  if (!process.env.npm_execpath) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, 1000).unref();
}

if (major(process.versions.node) >= NEEDED_MAJOR) {
  whenNpmIsGone(() => process.kill(process.pid, "SIGTERM"));
  await import(main.href);
} else {
  const node = packagedNode();
  if (node) runWith(node);
  else {
    process.stderr.write(
      `signalbox: needs Node ${NEEDED_MAJOR} or newer, and this is ${process.versions.node}. Install it (nodejs.org, or \`nvm install ${NEEDED_MAJOR}\`), then run the same command again.\n`,
    );
    process.exitCode = 1;
  }
}

/** npm brings a Node 24 for Linux and Windows as an optional dependency; on macOS there is none on the registry. */
function packagedNode() {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const binary = process.platform === "win32" ? "bin/node.exe" : "bin/node";
    return join(dirname(manifest), binary);
  } catch {
    return undefined;
  }
}

function runWith(node) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], {
    // The channel tells the child when we are gone, even by SIGKILL.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...process.env, SIGNALBOX_LAUNCHER_PID: String(process.pid) },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  whenNpmIsGone(() => child.kill("SIGTERM"));
  child.once("error", (error) => {
    process.stderr.write(`signalbox: cannot run ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => process.exit(signal ? 128 + { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] || 1 : code));
}
