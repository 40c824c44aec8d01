import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claudeCodeRegistration, type RegisterOptions, registerClaudeCode, unregisterClaudeCode } from "./register.ts";

let home: string;
let options: RegisterOptions;
let settings: string;
let servers: Server[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "signalbox-register-claude-"));
  await mkdir(join(home, ".claude"));
  settings = join(home, ".claude", "settings.json");
  options = {
    home,
    stateDir: join(home, ".signalbox"),
    // Port 9 (discard): no scheduler answers.
    schedulerUrl: "http://127.0.0.1:9",
    otlpEndpoint: "http://127.0.0.1:4318",
    trustHooks: async () => true,
  };
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
  for (const server of servers) server.close();
  servers = [];
});

interface Settings {
  env: Record<string, string>;
  hooks: { InstructionsLoaded: unknown[]; PreToolUse?: unknown[] };
  enabledPlugins: Record<string, boolean>;
  extraKnownMarketplaces: { signalbox: { source: { path: string } } };
  permissions?: unknown;
}

const text = (path = settings) => readFile(path, "utf8");
const read = async (path = settings) => JSON.parse(await text(path)) as Settings;

const RICH = `{
    "model": "opus",
    "permissions": { "allow": ["Bash(npm test)"] },
    "env": {
        "ANTHROPIC_BASE_URL": "https://gateway.example/anthropic",
        "OTEL_RESOURCE_ATTRIBUTES": "team=blue",
        "ANTHROPIC_CUSTOM_HEADERS": "x-team: blue"
    },
    "hooks": { "InstructionsLoaded": [{ "hooks": [{ "type": "command", "command": "true" }] }] },
    "enabledPlugins": { "mine@mine": true }
}
`;
const KEY = "signalbox-key-0123456789";

describe("register, then unregister", () => {
  it.each([
    ["no file", undefined],
    ["empty object", "{}"],
    ["empty file", ""],
    ["minimal", '{"model":"opus"}\n'],
    ["rich", RICH],
    ["Windows line ends and tabs", '{\r\n\t"env": {\r\n\t\t"A": "1"\r\n\t}\r\n}\r\n'],
    [
      "half of it written by an older version",
      '{ "env": { "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9" } }\n',
    ],
  ])("leaves the bytes as they were: %s", async (_, before) => {
    if (before !== undefined) await writeFile(settings, before, { mode: 0o640 });
    expect((await registerClaudeCode(options)).changed).toBe(true);
    const written = await read();
    expect(written.env).toMatchObject({
      ANTHROPIC_BASE_URL: "http://127.0.0.1:9",
      CLAUDE_CODE_ENABLE_TELEMETRY: "1",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
      CLAUDE_CODE_PROPAGATE_TRACEPARENT: "1",
    });
    expect(written.env.OTEL_RESOURCE_ATTRIBUTES).toMatch(/(^|,)signalbox\.routed=true$/);
    expect(written.env).not.toHaveProperty("OTEL_EXPORTER_OTLP_HEADERS");
    expect(written.enabledPlugins["signalbox@signalbox"]).toBe(true);
    const folder = written.extraKnownMarketplaces.signalbox.source.path;
    const hooks = JSON.parse(await text(join(folder, "hooks", "hooks.json"))) as { hooks: Record<string, unknown> };
    expect(JSON.stringify(hooks.hooks.PreToolUse)).toContain("http://127.0.0.1:9/hooks/claude-code");
    // each is a round trip that a tool call waits for
    const [{ matcher }] = hooks.hooks.PostToolUse as [{ matcher: string }];
    expect(["Agent", "Edit", "Bash", "Grep"].map((tool) => new RegExp(`^(?:${matcher})$`).test(tool))).toEqual([true, true, false, false]);

    const again = await registerClaudeCode(options);
    expect(again).toMatchObject({ changed: false, diff: "" });
    expect((await unregisterClaudeCode(options)).changed).toBe(true);
    if (before === undefined) await expect(stat(settings)).rejects.toThrow();
    else {
      expect(await text()).toBe(before);
      expect((await stat(settings)).mode & 0o777).toBe(0o640);
    }
    await expect(stat(folder)).rejects.toThrow();
    expect(await unregisterClaudeCode(options)).toMatchObject({ changed: false, notes: [expect.stringContaining("is not registered")] });
  });

  it("adds to what is there, and says what it stands in for", async () => {
    await writeFile(settings, RICH);
    const { notes } = await registerClaudeCode(options);
    const written = await read();
    expect(written.env.OTEL_RESOURCE_ATTRIBUTES).toBe("team=blue,signalbox.routed=true");
    expect(written.env.ANTHROPIC_CUSTOM_HEADERS).toBe("x-team: blue\nx-signalbox-credentials: caller");
    expect(written.hooks.InstructionsLoaded).toHaveLength(2);
    expect(written.enabledPlugins["mine@mine"]).toBe(true);
    expect(notes.join("\n")).toContain("ANTHROPIC_BASE_URL was https://gateway.example/anthropic");
  });

  it("takes out only what is still ours where someone edited the file since", async () => {
    await writeFile(settings, RICH);
    await registerClaudeCode(options);
    const edited = (await text()).replace('"model": "opus"', '"model": "haiku"').replace("http://127.0.0.1:4318", "http://127.0.0.1:9999");
    await writeFile(settings, edited);
    const report = await unregisterClaudeCode(options);
    expect(report.notes).toEqual(["env.OTEL_EXPORTER_OTLP_ENDPOINT was changed since and stays"]);
    const left = await read();
    expect(left).toMatchObject({
      model: "haiku",
      env: { ANTHROPIC_BASE_URL: "https://gateway.example/anthropic", OTEL_RESOURCE_ATTRIBUTES: "team=blue" },
    });
    expect(left.env.OTEL_EXPORTER_OTLP_ENDPOINT).toBe("http://127.0.0.1:9999");
    expect(left).not.toHaveProperty("extraKnownMarketplaces");
  });

  it("forgets our folder in Claude Code's own list of marketplaces, and keeps the others", async () => {
    await registerClaudeCode(options);
    const { path } = (await read()).extraKnownMarketplaces.signalbox.source;
    const known = join(home, ".claude", "plugins", "known_marketplaces.json");
    await mkdir(join(known, ".."));
    const others = { theirs: { source: { source: "github", repo: "a/b" } } };
    await writeFile(known, JSON.stringify({ ...others, signalbox: { source: { source: "directory", path } } }, null, 2));
    await unregisterClaudeCode(options);
    expect(await read(known)).toEqual(others);
  });
});

describe("the key", () => {
  it("goes to the gateway, the collector and the hooks, and is never shown", async () => {
    const report = await registerClaudeCode({ ...options, key: KEY });
    const { env } = await read();
    expect(env).toMatchObject({ SIGNALBOX_KEY: KEY, OTEL_EXPORTER_OTLP_HEADERS: `x-signalbox-key=${KEY}` });
    expect(env.ANTHROPIC_CUSTOM_HEADERS).toBe(`x-signalbox-credentials: caller\nx-signalbox-key: ${KEY}`);
    expect(JSON.stringify(report)).not.toContain(KEY);
    expect((await stat(settings)).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(await unregisterClaudeCode(options))).not.toContain(KEY);
  });

  it("is refused where a header list would break on it", async () => {
    await expect(registerClaudeCode({ ...options, key: "two words" })).rejects.toThrow(/space or a comma/);
  });
});

it("observing only leaves the models alone, and counts calls by the logs, whose cost is exact", async () => {
  await writeFile(settings, RICH);
  await registerClaudeCode({ ...options, observeOnly: true });
  const { env } = await read();
  expect(env).toMatchObject({
    ANTHROPIC_BASE_URL: "https://gateway.example/anthropic",
    ANTHROPIC_CUSTOM_HEADERS: "x-team: blue",
    OTEL_RESOURCE_ATTRIBUTES: "team=blue,signalbox.calls_from=logs",
  });
  expect(env).not.toHaveProperty("CLAUDE_CODE_PROPAGATE_TRACEPARENT");
  expect(await claudeCodeRegistration(options)).toEqual({ configPath: settings, routedTo: null });
  await registerClaudeCode(options);
  expect(await claudeCodeRegistration(options)).toEqual({ configPath: settings, routedTo: "http://127.0.0.1:9" });
  await unregisterClaudeCode(options);
  expect(await text()).toBe(RICH);
  expect(await claudeCodeRegistration(options)).toBeUndefined();
});

it("without trust installs no hook of any kind", async () => {
  let asked = "";
  await registerClaudeCode({
    ...options,
    trustHooks: async (explanation) => {
      asked = explanation;
      return false;
    },
  });
  expect(asked).toMatch(/HTTP hooks/);
  const written = await read();
  expect(written).not.toHaveProperty("hooks");
  expect(written).not.toHaveProperty("enabledPlugins");
});

it("for one project writes its settings.local.json alone", async () => {
  await writeFile(settings, RICH);
  const project = join(home, "work");
  await mkdir(project);
  await registerClaudeCode({ ...options, project });
  expect(await text()).toBe(RICH);
  expect((await read(join(project, ".claude", "settings.local.json"))).env.ANTHROPIC_BASE_URL).toBe("http://127.0.0.1:9");
  await unregisterClaudeCode({ ...options, project });
  expect(await readdir(join(project, ".claude"))).toEqual([]);
});

it("a dry run shows the change and writes nothing", async () => {
  await writeFile(settings, RICH);
  const report = await registerClaudeCode({ ...options, dryRun: true });
  expect(report.diff).toMatch(/^- .*gateway\.example/m);
  expect(report.steps.map(({ state }) => state)).not.toContain("done");
  expect(await text()).toBe(RICH);
  await expect(stat(options.stateDir)).rejects.toThrow();
});

describe("refuses, and leaves everything as it was:", () => {
  it.each([
    ["malformed", '{ "env": '],
    ["commented, which Claude Code itself cannot read", '{ // mine\n  "env": {} }\n'],
    ["no object", "[]\n"],
    ["env is a list", '{ "env": [] }\n'],
    ["spans sent elsewhere by a variable that would win", '{ "env": { "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x" } }\n'],
  ])("%s", async (_, before) => {
    await writeFile(settings, before);
    await expect(registerClaudeCode(options)).rejects.toMatchObject({
      name: "RegisterError",
      message: expect.stringMatching(/settings|env/),
    });
    expect(await text()).toBe(before);
    await expect(stat(options.stateDir)).rejects.toThrow();
  });

  it("read-only", async () => {
    await writeFile(settings, RICH);
    await chmod(settings, 0o444);
    await expect(registerClaudeCode(options)).rejects.toThrow(/read-only/);
    expect(await text()).toBe(RICH);
  });

  it("no Claude Code", async () => {
    await expect(registerClaudeCode({ ...options, configDir: join(home, "nowhere") })).rejects.toThrow(/no Claude Code at/);
  });

  it("too old a one", async () => {
    const claudeBin = join(home, "claude");
    await writeFile(claudeBin, "#!/bin/sh\necho '1.0.99 (Claude Code)'\n", { mode: 0o755 });
    await expect(registerClaudeCode({ ...options, claudeBin })).rejects.toThrow(/1\.0\.99 is too old/);
  });
});

it("a link to the settings stays a link", async () => {
  const real = join(home, "dotfiles.json");
  await writeFile(real, RICH);
  await symlink(real, settings);
  await registerClaudeCode(options);
  expect((await lstat(settings)).isSymbolicLink()).toBe(true);
  await unregisterClaudeCode(options);
  expect((await lstat(settings)).isSymbolicLink()).toBe(true);
  expect(await text(real)).toBe(RICH);
});

describe("where the scheduler tells its models", () => {
  const serve = async (ids: string[]): Promise<string> => {
    const server = createServer((_, response) => response.end(JSON.stringify({ object: "list", data: ids.map((id) => ({ id })) })));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it("asks for `auto` by every name, where there is no Claude model", async () => {
    await registerClaudeCode({ ...options, schedulerUrl: await serve(["qwen", "auto"]) });
    expect((await read()).env).toMatchObject({
      ANTHROPIC_MODEL: "auto",
      ANTHROPIC_DEFAULT_HAIKU_MODEL: "auto",
      CLAUDE_CODE_SUBAGENT_MODEL: "auto",
    });
  });

  it("gives each of Claude Code's names the newest that is served, and says what stands in for another", async () => {
    const served = ["auto", "claude-sonnet-4-20250514", "claude-sonnet-4-5", "claude-3-5-haiku-20241022", "claude-haiku-4-5"];
    const { notes } = await registerClaudeCode({ ...options, schedulerUrl: await serve(served) });
    expect((await read()).env).toMatchObject({
      ANTHROPIC_DEFAULT_OPUS_MODEL: "claude-sonnet-4-5",
      ANTHROPIC_DEFAULT_SONNET_MODEL: "claude-sonnet-4-5",
      ANTHROPIC_DEFAULT_HAIKU_MODEL: "claude-haiku-4-5",
    });
    expect((await read()).env).not.toHaveProperty("ANTHROPIC_MODEL");
    expect((await read()).env).not.toHaveProperty("ANTHROPIC_AUTH_TOKEN");
    expect(notes.filter((note) => note.includes("no Claude"))).toEqual([
      "the scheduler serves no Claude opus: where Claude Code asks for it, it gets claude-sonnet-4-5",
    ]);
  });

  it("leaves a name that the user gave a served model, and says which chosen model is not served", async () => {
    const env = { ANTHROPIC_DEFAULT_SONNET_MODEL: "claude-sonnet-4-5" };
    await writeFile(settings, JSON.stringify({ model: "claude-opus-4-1", env }));
    const { notes } = await registerClaudeCode({ ...options, schedulerUrl: await serve(["claude-sonnet-4-5", "claude-sonnet-4-6"]) });
    expect((await read()).env.ANTHROPIC_DEFAULT_SONNET_MODEL).toBe("claude-sonnet-4-5");
    expect(notes).toContainEqual(expect.stringContaining("model is claude-opus-4-1, which the scheduler does not serve"));
  });

  it("says that nobody knows the models where the scheduler does not answer", async () => {
    const { notes } = await registerClaudeCode(options);
    expect(notes).toContainEqual(expect.stringContaining("does not answer"));
    expect((await read()).env).not.toHaveProperty("ANTHROPIC_DEFAULT_OPUS_MODEL");
  });
});
