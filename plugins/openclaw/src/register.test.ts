import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseJson5, plainValue } from "@signalbox/otel/register";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openclawRegistration, RegisterError, type RegisterOptions, registerOpenclaw, unregisterOpenclaw } from "./register.ts";

let home: string;
let options: RegisterOptions;
let configPath: string;
let servers: Server[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "signalbox-register-"));
  await mkdir(join(home, ".openclaw"));
  configPath = join(home, ".openclaw", "openclaw.json");
  // Port 9 (discard): no scheduler answers, the models are just `auto`.
  options = { home, stateDir: join(home, ".signalbox"), schedulerUrl: "http://127.0.0.1:9", otlpEndpoint: "http://127.0.0.1:4318" };
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
  for (const server of servers) server.close();
  servers = [];
});

/** What the tests look at. */
interface Config {
  gateway: { port: number };
  models: { providers: Record<"signalbox", { models: { id: string }[] }> };
  agents: { defaults: { model: { primary?: string }; models: object } };
  plugins: { allow: string[]; load: { paths: string[] }; entries: { signalbox: { config: { providers: string[] } } } };
}

const text = () => readFile(configPath, "utf8");
const config = async () => plainValue(parseJson5(await text())) as Config;
const files = async () => (await readdir(join(home, ".openclaw"))).toSorted();

const RICH = `// my OpenClaw
{
  gateway: { mode: "local", port: 18789, auth: { token: "secret-token-1" } }, // keep
  "models": {
    "providers": {
      "anthropic": { "apiKey": "\${ANTHROPIC_KEY}" }, // by env
    },
  },
  agents: {
    defaults: {
      model: { primary: 'anthropic/claude-opus-4-6', fallbacks: ["openai/gpt-5"] },
      "models": { "anthropic/claude-opus-4-6": { alias: "opus" } },
    },
    list: [ { id: "ops", model: "anthropic/claude-haiku-4-5" } ],
  },
  plugins: {
    allow: ["memory-core"],
    load: { paths: [
      "/home/me/mine", // my own
    ] },
  },
}
`;

describe("register, then unregister", () => {
  it.each([
    ["empty object", "{}"],
    ["empty file", ""],
    ["minimal", '{"gateway":{"mode":"local"}}\n'],
    ["string model", '{\n  "agents": {\n    "defaults": {\n      "model": "openai/gpt-5"\n    }\n  }\n}\n'],
    ["rich and commented", RICH],
    ["Windows line ends and tabs", '{\r\n\t"agents": {\r\n\t\t"defaults": {}\r\n\t}\r\n}\r\n'],
    ["byte order mark", '\ufeff{ "agents": {} }'],
  ])("leaves the bytes as they were: %s", async (_, before) => {
    await writeFile(configPath, before, { mode: 0o640 });
    const report = await registerOpenclaw(options);
    expect(report.changed).toBe(true);
    const written = await config();
    expect(written.plugins.load.paths.at(-1)).toBe(join(home, ".signalbox", "plugins", "openclaw"));
    expect(written.plugins.entries.signalbox).toMatchObject({
      enabled: true,
      hooks: { allowConversationAccess: true },
      config: { schedulerUrl: "http://127.0.0.1:9", otlpEndpoint: "http://127.0.0.1:4318", providers: ["signalbox"] },
    });
    expect(written.models.providers.signalbox).toMatchObject({ baseUrl: "http://127.0.0.1:9/v1", api: "openai-completions" });
    expect(written.models.providers.signalbox).not.toHaveProperty("apiKey");
    const { model } = written.agents.defaults;
    expect(model.primary ?? model).toBe("signalbox/auto");

    const undone = await unregisterOpenclaw(options);
    expect(undone.changed).toBe(true);
    expect(await text()).toBe(before);
    expect((await stat(configPath)).mode & 0o777).toBe(0o640);
    expect(await files()).toEqual(["openclaw.json"]);
    expect(await readdir(join(home, ".signalbox", "plugins"))).toEqual([]);
  });

  it("keeps comments and everything else of a rich config, and says what it leaves alone", async () => {
    await writeFile(configPath, RICH);
    const report = await registerOpenclaw(options);
    const after = await text();
    for (const comment of ["// my OpenClaw", "// keep", "// by env", "// my own"]) expect(after).toContain(comment);
    const written = await config();
    expect(written.agents.defaults.model).toEqual({ primary: "signalbox/auto", fallbacks: ["openai/gpt-5"] });
    expect(written.agents.defaults.models).toHaveProperty(["signalbox/auto"]);
    expect(written.plugins.allow).toEqual(["memory-core", "signalbox"]);
    expect(written.plugins.load.paths[0]).toBe("/home/me/mine");
    expect(report.notes.join("\n")).toMatch(/openai\/gpt-5/);
    expect(report.notes.join("\n")).toMatch(/agent ops has a model of its own/);
    expect(report.diff).toContain('+       "signalbox"');
    expect(report.diff).not.toContain("secret-token-1");
    expect(await readFile(report.backupPath ?? "", "utf8")).toBe(RICH);
  });

  it("makes a config where there is none, and takes it away again", async () => {
    await registerOpenclaw(options);
    expect((await stat(configPath)).mode & 0o777).toBe(0o600);
    await unregisterOpenclaw(options);
    expect(await files()).toEqual([]);
  });

  it("the plugin that it installs is one folder that needs nothing beside it", async () => {
    await registerOpenclaw(options);
    const dir = join(home, ".signalbox", "plugins", "openclaw");
    expect((await readdir(dir)).toSorted()).toEqual(["dist", "openclaw.plugin.json", "package.json"]);
    const code = await readFile(join(dir, "dist", "index.js"), "utf8");
    const imports = [...code.matchAll(/^import .*? from "([^"]+)";$/gm)].map((match) => match[1]);
    expect(imports.length).toBeGreaterThan(2);
    for (const name of imports) expect(name).toMatch(/^(?:node:.*|openclaw\/plugin-sdk\/.*|[a-z_]+)$/);
  });
});

describe("again", () => {
  it("changes nothing the second time", async () => {
    await writeFile(configPath, RICH);
    await registerOpenclaw(options);
    const once = await text();
    const second = await registerOpenclaw(options);
    expect(second).toMatchObject({ changed: false, diff: "" });
    expect(await text()).toBe(once);
    await unregisterOpenclaw(options);
    expect(await text()).toBe(RICH);
    expect((await unregisterOpenclaw(options)).changed).toBe(false);
    expect(await text()).toBe(RICH);
  });

  it("with other addresses changes them, and still knows the way back", async () => {
    await writeFile(configPath, RICH);
    await registerOpenclaw(options);
    await registerOpenclaw({ ...options, schedulerUrl: "http://127.0.0.1:10", otlpEndpoint: "http://127.0.0.1:11", key: "k-123" });
    const written = await config();
    expect(written.models.providers.signalbox).toMatchObject({ baseUrl: "http://127.0.0.1:10/v1", apiKey: "k-123" });
    expect(written.plugins.load.paths).toHaveLength(2);
    await registerOpenclaw({ ...options, observeOnly: true });
    expect((await config()).models.providers).not.toHaveProperty("signalbox");
    expect((await config()).agents.defaults.model.primary).toBe("anthropic/claude-opus-4-6");
    await unregisterOpenclaw(options);
    expect(await text()).toBe(RICH);
  });
});

it("two OpenClaws registered from one state folder: the plugin stays until the last is unregistered", async () => {
  const other = { ...options, openclawDir: join(home, ".openclaw-work") };
  await mkdir(other.openclawDir);
  await registerOpenclaw(options);
  await registerOpenclaw(other);
  const plugin = join(options.stateDir, "plugins", "openclaw", "dist", "index.js");
  expect((await unregisterOpenclaw(options)).steps.at(-1)).toMatchObject({ name: "plugin", state: "kept" });
  expect((await stat(plugin)).isFile()).toBe(true);
  expect(await openclawRegistration(options)).toBeUndefined();
  expect(await openclawRegistration(other)).toEqual({
    configPath: join(other.openclawDir, "openclaw.json"),
    routedTo: "http://127.0.0.1:9/v1",
  });
  expect((await unregisterOpenclaw(other)).steps.at(-1)).toMatchObject({ name: "plugin", state: "done" });
  await expect(stat(plugin)).rejects.toThrow("ENOENT");
});

describe("half-registered", () => {
  const recordPath = async () => {
    const folder = join(options.stateDir, "register");
    const name = (await readdir(folder)).find((one) => one.endsWith(".json"));
    return join(folder, String(name));
  };

  it("by an older version, whose plugin knew no token file: brought up to date, and the way back is known", async () => {
    await writeFile(configPath, RICH);
    await registerOpenclaw(options);
    // As the version before wrote it.
    const older = (json: string) => json.replaceAll(/,\s*"tokenFile": "[^"]*"/g, "");
    const written = older(await text());
    const record = JSON.parse(older(await readFile(await recordPath(), "utf8"))) as { writtenSha256: string };
    expect(written).not.toBe(await text());
    await writeFile(configPath, written);
    await writeFile(await recordPath(), JSON.stringify({ ...record, writtenSha256: createHash("sha256").update(written).digest("hex") }));

    expect((await registerOpenclaw(options)).changed).toBe(true);
    expect((await config()).plugins.entries.signalbox.config).toMatchObject({ tokenFile: join(options.stateDir, "token") });
    await unregisterOpenclaw(options);
    expect(await text()).toBe(RICH);
  });

  it("by one that died after its record and before the config: goes on, or takes the record away", async () => {
    for (const again of [true, false]) {
      await writeFile(configPath, RICH);
      await registerOpenclaw(options);
      await writeFile(configPath, RICH);
      if (again) {
        await registerOpenclaw(options);
        expect((await config()).models.providers).toHaveProperty("signalbox");
      }
      await unregisterOpenclaw(options);
      expect(await text()).toBe(RICH);
      expect(await readdir(join(options.stateDir, "register"))).toEqual([]);
    }
  });

  it("by one whose state folder is gone: registers over it, and unregister leaves what was found", async () => {
    await writeFile(configPath, RICH);
    await registerOpenclaw(options);
    await rm(options.stateDir, { recursive: true });
    const found = await text();
    await registerOpenclaw({ ...options, schedulerUrl: "http://127.0.0.1:10" });
    expect((await config()).plugins.load.paths).toHaveLength(2);
    expect((await config()).models.providers.signalbox).toMatchObject({ baseUrl: "http://127.0.0.1:10/v1" });
    await unregisterOpenclaw(options);
    expect(await text()).toBe(found);
  });
});

describe("edited since", () => {
  it("unregister takes out only what is still ours, and keeps the edits", async () => {
    await writeFile(configPath, RICH);
    await registerOpenclaw(options);
    const edited = (await text()).replace("18789", "19000").replace('"signalbox/auto"', '"openai/gpt-5"');
    await writeFile(configPath, edited);
    const report = await unregisterOpenclaw(options);
    expect(report.steps.filter((step) => step.state === "kept").map((step) => step.name)).toEqual(["default model"]);
    const left = await config();
    expect(left.gateway.port).toBe(19_000);
    expect(left.agents.defaults.model.primary).toBe("openai/gpt-5");
    expect(left.plugins).toEqual({ allow: ["memory-core"], load: { paths: ["/home/me/mine"] } });
    expect(left.models.providers).not.toHaveProperty("signalbox");
    expect(await text()).toContain("// by env");
  });

  it("an edit that touches nothing of ours leaves the file as if only the edit had been made", async () => {
    await writeFile(configPath, RICH);
    await registerOpenclaw(options);
    await writeFile(configPath, (await text()).replace("18789", "19000"));
    await unregisterOpenclaw(options);
    expect(plainValue(parseJson5(await text()))).toEqual(plainValue(parseJson5(RICH.replace("18789", "19000"))));
  });

  it("rewritten by OpenClaw as plain JSON, it still comes apart", async () => {
    await writeFile(configPath, RICH);
    await registerOpenclaw(options);
    await writeFile(configPath, JSON.stringify(await config(), null, 2));
    await unregisterOpenclaw(options);
    expect(JSON.parse(await text())).toEqual(plainValue(parseJson5(RICH)));
  });
});

describe("refuses, and changes nothing:", () => {
  const refused = async (message: RegExp, given: Partial<RegisterOptions> = {}) => {
    const before = await files();
    const bytes = before.includes("openclaw.json") ? await text() : "";
    const error = await registerOpenclaw({ ...options, ...given }).then(
      () => undefined,
      (one: unknown) => one,
    );
    expect(error).toBeInstanceOf(RegisterError);
    expect((error as Error).message).toMatch(message);
    expect(await files()).toEqual(before);
    expect(before.includes("openclaw.json") ? await text() : "").toBe(bytes);
  };

  it("a config that does not parse, with the place", async () => {
    await writeFile(configPath, '{\n  "agents": {\n');
    await refused(/openclaw\.json: expected a key, found end of file at line 3/);
  });
  it("a config that is no object, or has no object where one must be", async () => {
    await writeFile(configPath, "[1]");
    await refused(/not an object/);
    await writeFile(configPath, '{"plugins": "none"}');
    await refused(/plugins is not an object/);
  });
  it("a read-only config", async () => {
    await writeFile(configPath, "{}");
    await chmod(configPath, 0o444);
    await refused(/read-only/);
  });
  it("no OpenClaw", async () => {
    await refused(/no OpenClaw at .*nowhere/, { openclawDir: join(home, "nowhere") });
  });
  it("a denied plugin", async () => {
    await writeFile(configPath, '{"plugins": {"deny": ["signalbox"]}}');
    await refused(/plugins\.deny/);
  });
  it("an address that is none", async () => {
    await refused(/schedulerUrl "localhost" is not/, { schedulerUrl: "localhost" });
  });
  it("an OpenClaw that is too old, or is something else", async () => {
    const bin = join(home, "openclaw");
    await writeFile(bin, "#!/bin/sh\necho OpenClaw 2026.8.30\n", { mode: 0o755 });
    await refused(/2026\.8\.30 is too old/, { openclawBin: bin });
    await writeFile(bin, "#!/bin/sh\necho hello\n");
    await refused(/"hello"/, { openclawBin: bin });
    await refused(/cannot run/, { openclawBin: join(home, "none") });
  });
});

it("a dry run shows the diff and writes nothing", async () => {
  await writeFile(configPath, RICH);
  const report = await registerOpenclaw({ ...options, dryRun: true, key: `sk-${"x".repeat(30)}` });
  expect(report.diff).toContain('+       "signalbox": {');
  expect(report.diff).toMatch(/^- .*anthropic\/claude-opus-4-6/m);
  expect(report.diff).not.toContain("sk-x");
  expect(report.steps.map((step) => step.state)).not.toContain("done");
  expect(await text()).toBe(RICH);
  await expect(stat(join(home, ".signalbox"))).rejects.toThrow();

  await registerOpenclaw(options);
  const registered = await text();
  expect((await unregisterOpenclaw({ ...options, dryRun: true })).changed).toBe(true);
  expect(await text()).toBe(registered);
});

it("a link to the config stays a link", async () => {
  const real = join(home, "dotfiles.json5");
  await writeFile(real, RICH);
  await symlink(real, configPath);
  await registerOpenclaw(options);
  expect((await lstat(configPath)).isSymbolicLink()).toBe(true);
  expect(await readFile(real, "utf8")).toContain("signalbox");
  await unregisterOpenclaw(options);
  expect((await lstat(configPath)).isSymbolicLink()).toBe(true);
  expect(await readFile(real, "utf8")).toBe(RICH);
});

it("asks the scheduler for its models, `auto` first", async () => {
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ object: "list", data: [{ id: "qwen" }, { id: "auto" }, { id: 5 }] })),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await registerOpenclaw({ ...options, schedulerUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const { models } = (await config()).models.providers.signalbox;
  expect(models.map((model: { id: string }) => model.id)).toEqual(["auto", "qwen"]);
});

it("observing only adds the plugin and reroutes nothing", async () => {
  await writeFile(configPath, RICH);
  await registerOpenclaw({ ...options, observeOnly: true });
  const written = await config();
  expect(written.plugins.entries.signalbox.config.providers).toEqual([]);
  expect(written.agents).toEqual((plainValue(parseJson5(RICH)) as { agents: unknown }).agents);
  expect(written.models.providers).not.toHaveProperty("signalbox");
});
