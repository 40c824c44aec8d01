import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";

/**
 * A real headless Chromium from npm alone, on a machine that has none of its libraries or fonts. `CHROMIUM_PATH` names
 * another one to use instead. The unpacked browser (once a version) is kept in the user's cache folder.
 */
export async function launchChromium(): Promise<Browser> {
  const named = process.env.CHROMIUM_PATH;
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--font-render-hinting=none",
  ];
  if (named) return chromium.launch({ executablePath: named, args });
  const unpacked = await unpack(path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), ".cache"), "signalbox"));
  return chromium.launch({
    executablePath: unpacked.executable,
    args: [...args, "--no-zygote"],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [unpacked.libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":"),
      FONTCONFIG_FILE: unpacked.fontConfig,
    },
  });
}

interface Unpacked {
  executable: string;
  libraries: string;
  fontConfig: string;
}

async function unpack(cache: string): Promise<Unpacked> {
  const require = createRequire(import.meta.url);
  const entry = require.resolve("@sparticuz/chromium");
  const packageFolder = path.resolve(path.dirname(entry), "..");
  const { version } = JSON.parse(fs.readFileSync(path.join(packageFolder, "package.json"), "utf8")) as { version: string };
  const folder = path.join(cache, `chromium-${version}`);
  const unpacked = {
    executable: path.join(folder, "chromium"),
    libraries: path.join(folder, "al2023/lib"),
    fontConfig: path.join(folder, "fonts.conf"),
  };
  if (fs.existsSync(path.join(folder, ".complete"))) return unpacked;

  // unpacked aside and then renamed: two runs at once each make a whole one, and one of them wins
  const aside = `${folder}.${process.pid}`;
  fs.mkdirSync(aside, { recursive: true });
  const temporary = process.env.TMPDIR;
  // the package unpacks into os.tmpdir(), and takes whatever version it finds there for its own
  process.env.TMPDIR = aside;
  try {
    const { default: package_, inflate } = (await import(pathToFileURL(entry).href)) as typeof import("@sparticuz/chromium");
    await package_.executablePath();
    await inflate(path.join(packageFolder, "bin", "al2023.tar.br"));
  } finally {
    if (temporary === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = temporary;
  }
  // without a font configuration of our own a bare machine draws no text at all
  const fontConfig = `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>${folder}/fontcache</cachedir></fontconfig>`;
  fs.writeFileSync(path.join(aside, "fonts.conf"), fontConfig);
  fs.writeFileSync(path.join(aside, ".complete"), "");
  try {
    fs.renameSync(aside, folder);
  } catch (error) {
    fs.rmSync(aside, { recursive: true, force: true });
    if (!fs.existsSync(path.join(folder, ".complete"))) throw error;
  }
  return unpacked;
}
