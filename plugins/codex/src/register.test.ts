import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { parse } from "smol-toml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RegisterError, type RegisterOptions, registerCodex, unregisterCodex } from "./register.ts";

let home: string;
let options: RegisterOptions;
let configPath: string;
let variablesPath: string;
let server: Server | undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "signalbox-codex-test-"));
  await mkdir(join(home, ".codex"));
  configPath = join(home, ".codex", "config.toml");
  variablesPath = join(home, ".codex", ".env");
  // Port 9 (discard): no scheduler answers
  options = { home, stateDir: join(home, ".signalbox"), schedulerUrl: "http://127.0.0.1:9", otlpEndpoint: "http://127.0.0.1:4318" };
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
  server?.close();
  server = undefined;
});

const text = () => readFile(configPath, "utf8");
const variables = () => readFile(variablesPath, "utf8");
const config = async () => parse(await text());
const files = async () => (await readdir(join(home, ".codex"))).toSorted();

const RICH = `# my Codex
model = "gpt-5.1" # the good one
model_provider = "mine"
approval_policy = "on-request"
notify = [
  "notify-send", # a list over lines
  "[not a table]",
]

[model_providers.mine] # by env
name = "Mine"
base_url = "https://example.test/v1"
env_key = "MINE_KEY"

# what I watch with
[otel]
environment = "prod" # where
exporter = "none"

[mcp_servers.docs]
command = "docs"
env = { DOCS_TOKEN = "secret-token-1" }

[profiles.fast]
model_provider = "mine"

[projects."/home/me/work"]
trust_level = "trusted"
# the end`;

const CONFIGS = [
  ["empty", ""],
  ["only a comment", "# nothing yet\n"],
  ["minimal", 'model = "gpt-5.1"\n'],
  ["rich, commented, without a last line end", RICH],
  ["Windows line ends", RICH.replaceAll("\n", "\r\n")],
  ["a table that holds other keys of ours", '[otel]\nlog_user_prompt = false\n\n[tui]\ntheme = "x"\n'],
  [
    "half-registered by hand",
    'model_provider = "signalbox"\n\n[model_providers.signalbox]\nname = "old"\nbase_url = "http://127.0.0.1:1/v1"\n\n[model_providers.signalbox.http_headers]\nx = "y"\n',
  ],
] as const;

describe("register, then unregister", () => {
  it.each(CONFIGS)("leaves the bytes as they were: %s", async (_, before) => {
    await writeFile(configPath, before, { mode: 0o640 });
    const report = await registerCodex(options);
    expect(report.changed).toBe(true);
    expect(await config()).toMatchObject({
      model: "auto",
      model_provider: "signalbox",
      model_providers: { signalbox: { base_url: "http://127.0.0.1:9/v1", wire_api: "responses" } },
      otel: {
        environment: "signalbox",
        log_user_prompt: true,
        exporter: { "otlp-http": { endpoint: "http://127.0.0.1:4318/v1/logs", protocol: "binary" } },
        trace_exporter: { "otlp-http": { endpoint: "http://127.0.0.1:4318/v1/traces", protocol: "binary" } },
      },
    });
    expect((await unregisterCodex(options)).changed).toBe(true);
    expect(await text()).toBe(before);
    expect((await stat(configPath)).mode & 0o777).toBe(0o640);
    expect(await files()).toEqual(["config.toml"]);
  });

  it("keeps comments and everything else of a rich config, and says what it leaves alone", async () => {
    await writeFile(configPath, RICH);
    const report = await registerCodex(options);
    const after = await text();
    for (const kept of [
      "# my Codex",
      "# the good one",
      "# a list over lines",
      "# by env",
      "# what I watch with",
      "# the end",
      "DOCS_TOKEN",
    ])
      expect(after).toContain(kept);
    expect((await config()).mcp_servers).toEqual(parse(RICH).mcp_servers);
    expect(report.notes.join("\n")).toMatch(/profile fast has a model provider of its own/);
    expect(report.diff).toMatch(/^- model_provider = "mine"$/m);
    expect(report.diff).not.toContain("secret-token-1");
    expect(await readFile(report.backupPath ?? "", "utf8")).toBe(RICH);
  });

  it("makes a config where there is none, and takes it away again", async () => {
    await registerCodex(options);
    expect((await stat(configPath)).mode & 0o777).toBe(0o600);
    await unregisterCodex(options);
    expect(await files()).toEqual([]);
  });

  it("again changes nothing, with other addresses changes them, and still knows the way back", async () => {
    await writeFile(configPath, RICH);
    await registerCodex(options);
    const once = await text();
    expect(await registerCodex(options)).toMatchObject({ changed: false, diff: "" });
    expect(await text()).toBe(once);
    await registerCodex({ ...options, schedulerUrl: "http://127.0.0.1:10", key: "k-123" });
    expect(await config()).toMatchObject({
      model_providers: { signalbox: { base_url: "http://127.0.0.1:10/v1", env_http_headers: { "x-signalbox-key": "SIGNALBOX_KEY" } } },
      otel: { exporter: { "otlp-http": { headers: { "x-signalbox-key": "k-123" } } } },
    });
    await unregisterCodex(options);
    expect(await text()).toBe(RICH);
    expect((await unregisterCodex(options)).changed).toBe(false);
  });

  it("a link to the config stays a link", async () => {
    const real = join(home, "dotfiles.toml");
    await writeFile(real, RICH);
    await symlink(real, configPath);
    await registerCodex(options);
    expect(await readFile(real, "utf8")).toContain("signalbox");
    await unregisterCodex(options);
    expect((await lstat(configPath)).isSymbolicLink()).toBe(true);
    expect(await readFile(real, "utf8")).toBe(RICH);
  });
});

describe("edited since", () => {
  it.each(CONFIGS)("only what is still ours goes, the edit stays: %s", async (_, before) => {
    await writeFile(configPath, before);
    await registerCodex(options);
    const eol = before.includes("\r\n") ? "\r\n" : "\n";
    await writeFile(configPath, `${(await text()).replace('model = "auto"', 'model = "gpt-6"')}${eol}[tools]${eol}mine = true${eol}`);
    const report = await unregisterCodex(options);
    expect(report.steps.filter((step) => step.state === "kept").map((step) => step.name)).toEqual(["model"]);
    expect(await config()).toEqual({ ...parse(before), model: "gpt-6", tools: { mine: true } });
  });
});

describe("the variables of Codex's exporters, in the .env beside its config", () => {
  const OURS = {
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "64",
    OTEL_BSP_MAX_CONCURRENT_EXPORTS: "32",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "3000",
    OTEL_BLRP_SCHEDULE_DELAY: "100",
    OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "3000",
  };
  const MINE = `# my keys
OPENAI_API_KEY=sk-${"x".repeat(30)}
export OTEL_BLRP_SCHEDULE_DELAY = "2000"
#OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1
NOTE='a # b'`;

  it.each([
    ["of several lines", MINE],
    ["with a last line end", `${MINE}\n`],
    ["with Windows line ends", `${MINE}\n`.replaceAll("\n", "\r\n")],
    ["empty", ""],
  ])("are there, and gone again with the bytes as they were: %s", async (_, before) => {
    await writeFile(variablesPath, before, { mode: 0o600 });
    const report = await registerCodex(options);
    expect(parseEnv(await variables())).toEqual({ ...parseEnv(before), ...OURS });
    expect((await variables()).startsWith(before.split(/\r?\n/, 1)[0] as string)).toBe(true);
    expect(report.diff).toContain(variablesPath);
    expect(report.diff).not.toContain("sk-x");
    expect(await registerCodex(options)).toMatchObject({ changed: false, diff: "" });
    await unregisterCodex(options);
    expect(await variables()).toBe(before);
  });

  it("go where the file was edited since, and the edits stay", async () => {
    await writeFile(variablesPath, MINE);
    await registerCodex(options);
    await writeFile(variablesPath, `${(await variables()).replace("_SIZE=64", "_SIZE=128")}\nADDED=1\n`);
    const report = await unregisterCodex(options);
    expect(report.notes).toEqual(["OTEL_BSP_MAX_EXPORT_BATCH_SIZE was changed since and stays"]);
    expect(await variables()).toBe(`${MINE}\nOTEL_BSP_MAX_EXPORT_BATCH_SIZE=128\nADDED=1\n`);
  });

  it("are kept from the programs that Codex runs, beside what was kept from them before", async () => {
    const before = '[shell_environment_policy]\ninherit = "core"\nexclude = ["AWS_*", "OTEL_BLRP_SCHEDULE_DELAY"]\n';
    await writeFile(configPath, before);
    await registerCodex(options);
    const { shell_environment_policy: policy } = (await config()) as { shell_environment_policy: { inherit: string; exclude: string[] } };
    expect(policy.inherit).toBe("core");
    expect(policy.exclude.toSorted()).toEqual(["AWS_*", ...Object.keys(OURS)].toSorted());
    await unregisterCodex(options);
    expect(await text()).toBe(before);
  });

  const LIST = `[shell_environment_policy] # what commands see
exclude = [
  "AWS_*", # secrets
  # and what is ours
  "TEAM_#*" # no comma
] # for now
inherit = """
core""" # over lines
`;
  it.each([
    ["each on its line, with comments", LIST],
    ["with a last comma", LIST.replace('"TEAM_#*"', '"TEAM_#*",')],
    ["several on a line", '[shell_environment_policy]\nexclude = [\n  "AWS_*", "TEAM_#*",\n]\n'],
    ["none yet", "[shell_environment_policy]\nexclude = [\n]\n"],
  ])("join a list that spans lines: %s", async (_, before) => {
    const own = (parse(before) as { shell_environment_policy: { exclude: string[] } }).shell_environment_policy.exclude;
    await writeFile(configPath, before);
    await registerCodex(options);
    const { shell_environment_policy: policy } = (await config()) as { shell_environment_policy: { exclude: string[] } };
    expect(policy.exclude).toEqual([...own, ...Object.keys(OURS)]);
    expect((await text()).match(/#.*/g)?.filter((comment) => !comment.startsWith("#*"))).toEqual(
      before.match(/#.*/g)?.filter((comment) => !comment.startsWith("#*")),
    );
    // where the file was edited since, ours go line by line
    await writeFile(configPath, `${await text()}\n[tools]\nmine = true\n`);
    await unregisterCodex(options);
    expect(await config()).toEqual({ ...parse(before), tools: { mine: true } });
    for (const comment of before.match(/# .*/g) ?? []) expect(await text()).toContain(comment);
  });

  it("do not stand in the way of undoing what an older version registered, without them", async () => {
    await writeFile(configPath, RICH);
    await registerCodex(options);
    const records = join(home, ".signalbox", "register");
    for (const name of await readdir(records)) {
      if ((await readFile(join(records, name), "utf8")).includes(`"configPath": ${JSON.stringify(variablesPath)}`))
        await rm(join(records, name));
    }
    await rm(variablesPath);
    expect(await unregisterCodex(options)).toMatchObject({ changed: true, configPath });
    expect(await text()).toBe(RICH);
  });
});

describe("what is written", () => {
  it("observing only reroutes nothing, and does not mark calls as routed", async () => {
    await writeFile(configPath, RICH);
    await registerCodex({ ...options, observeOnly: true });
    expect(await config()).toMatchObject({ model: "gpt-5.1", model_provider: "mine", otel: { environment: "prod" } });
    expect((await config()).model_providers).not.toHaveProperty("signalbox");
  });

  it("the model stays where the scheduler has it", async () => {
    server = createServer((_, response) => response.end(JSON.stringify({ data: [{ id: "auto" }, { id: "gpt-5.1" }] })));
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    const schedulerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeFile(configPath, RICH);
    await registerCodex({ ...options, schedulerUrl });
    expect((await config()).model).toBe("gpt-5.1");
  });

  it("a login comes along, marked as not ours", async () => {
    await writeFile(join(home, ".codex", "auth.json"), "{}");
    await registerCodex(options);
    expect((await config()).model_providers).toMatchObject({
      signalbox: { requires_openai_auth: true, http_headers: { "x-signalbox-credentials": "caller" } },
    });
  });

  it("prompts stay on the machine: they are not asked for where the collector is another", async () => {
    await registerCodex({ ...options, otlpEndpoint: "https://signalbox.example.test" });
    expect((await config()).otel).not.toHaveProperty("log_user_prompt");
  });

  it("a dry run shows the diff and writes nothing", async () => {
    await writeFile(configPath, RICH);
    const report = await registerCodex({ ...options, dryRun: true, key: `sk-${"x".repeat(30)}` });
    expect(report.diff).toContain("+ [model_providers.signalbox]");
    expect(report.diff).not.toContain("sk-x");
    expect(report.steps.map((step) => step.state)).not.toContain("done");
    expect(await text()).toBe(RICH);
    await expect(stat(join(home, ".signalbox"))).rejects.toThrow();
  });
});

describe("refuses, and changes nothing:", () => {
  const refused = async (message: RegExp, given: Partial<RegisterOptions> = {}) => {
    const before = await files();
    const bytes = before.includes("config.toml") ? await text() : "";
    const error = await registerCodex({ ...options, ...given }).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(RegisterError);
    expect((error as Error).message).toMatch(message);
    expect(await files()).toEqual(before);
    expect(before.includes("config.toml") ? await text() : "").toBe(bytes);
  };

  it("a config that does not parse, with the place", async () => {
    await writeFile(configPath, 'model = "x"\n[otel\n');
    await refused(/config\.toml: [\s\S]*2/);
  });
  it("a value where a table must be", async () => {
    await writeFile(configPath, "model_providers = 3\n");
    await refused(/model_providers is not a table/);
  });
  it("a layout that cannot be edited line by line", async () => {
    await writeFile(configPath, 'otel = { environment = "prod" }\n');
    await refused(/cannot be edited safely; put the codex command on the PATH/);
  });
  it("a read-only config", async () => {
    await writeFile(configPath, "");
    await chmod(configPath, 0o444);
    await refused(/read-only/);
  });
  it("a read-only .env", async () => {
    await writeFile(configPath, RICH);
    await writeFile(variablesPath, "");
    await chmod(variablesPath, 0o444);
    await refused(/\.env is read-only/);
  });
  it("no Codex", async () => {
    await refused(/no Codex: .*nowhere/, { codexHome: join(home, "nowhere") });
  });
  it("an address that is none", async () => {
    await refused(/schedulerUrl "localhost" is not/, { schedulerUrl: "localhost" });
  });
  it("a Codex that is too old, or is something else", async () => {
    const bin = join(home, "codex");
    await writeFile(bin, "#!/bin/sh\necho codex-cli 0.168.9\n", { mode: 0o755 });
    await refused(/0\.168\.9 is too old/, { codexBin: bin });
    await writeFile(bin, "#!/bin/sh\necho hello\n");
    await refused(/"hello"/, { codexBin: bin });
    await refused(/cannot run/, { codexBin: join(home, "none") });
  });
});
