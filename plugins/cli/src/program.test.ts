import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProgram, run } from "./program.ts";

describe("the command line", () => {
  let home: string;
  let out = "";
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "signalbox-cli-"));
    vi.stubEnv("SIGNALBOX_HOME", home);
    out = "";
    const take = (chunk: unknown) => {
      out += String(chunk);
      return true;
    };
    vi.spyOn(process.stdout, "write").mockImplementation(take);
    vi.spyOn(process.stderr, "write").mockImplementation(take);
  });
  afterEach(() => {
    process.exitCode = undefined;
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(home, { recursive: true });
  });
  const signalbox = (...args: string[]) => run(createProgram("1.2.3"), args);

  it.each(["up", "status", "url", "register", "unregister", "import", "kill", "pause", "resume", "demo", "doctor", "config", "prices"])(
    "teaches %s by example, and knows --json there",
    async (name) => {
      expect(await signalbox(name, "--help")).toBe(0);
      expect(out).toContain("Examples:\n");
      expect(out).toContain("--json");
    },
  );

  it("says what is wrong with an argument, and where help is", async () => {
    expect(await signalbox("demo", "--seconds", "1")).toBe(1);
    expect(out).toMatch(/--seconds.*3 to 300/);
    expect(await signalbox("register", "emacs")).toBe(1);
    expect(out).toContain("openclaw");
    expect(out).toContain("--help");
  });

  it.each([
    [["kil", "x"], "unknown command 'kil' (Did you mean kill?). --help shows what there is."],
    [["kill"], "missing required argument 'session'. --help shows what there is."],
    [["register", "emacs"], "there is no agent 'emacs'. There are: openclaw, claude-code, codex. --help shows what there is."],
    [
      ["import", "--since", "soon"],
      "--since is 'soon'; expected a date (2026-11-01), a time (RFC 3339), or how long ago: 12h, 30d, 8w. --help shows what there is.",
    ],
    [["demo", "--seconds", "1"], "--seconds is '1'; expected a whole number from 3 to 300. --help shows what there is."],
    [
      ["prices", "set", "m", "--input", "x", "--output", "1"],
      "--input is 'x'; expected USD per million tokens, such as 0.25. --help shows what there is.",
    ],
    [["up", "now"], "too many arguments for 'up'. Expected 0 arguments but got 1: now. --help shows what there is."],
  ])("says of %j what is wrong, in one line or as JSON", async (args, says) => {
    expect(await signalbox(...args)).toBe(1);
    expect(out).toBe(`signalbox: ${says}\n`);
    out = "";
    expect(await signalbox(...args, "--json")).toBe(1);
    expect(JSON.parse(out)).toEqual({ error: { code: "usage", message: says.replace(". --help shows what there is.", "") } });
  });

  it("says what to do where no price is listed", async () => {
    expect(await signalbox("prices", "show", "no-such-model")).toBe(0);
    expect(out).toContain('No price has "no-such-model" in its provider or model. Set one: npx signalbox prices set');
  });

  it("tells in one line, or in JSON, what the user can put right", async () => {
    expect(await signalbox("demo")).toBe(1);
    expect(out).toBe(`signalbox: Signalbox does not run on ${home}. Start it first, in another terminal: npm start\n`);
    out = "";
    expect(await signalbox("url", "--json")).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { code: "not_running" } });
  });

  it("sets a price of one's own, shows it first, and refuses what is none", async () => {
    expect(await signalbox("prices", "set", "House-*", "--input", "0.5", "--output", "2", "--cache-read", "0.05")).toBe(0);
    expect(await signalbox("prices", "set", "house-*", "--provider", "me", "--input", "1", "--output", "2")).toBe(0);
    expect(await signalbox("prices", "set", "House-*", "--input", "0.25", "--output", "2")).toBe(0);
    out = "";
    expect(await signalbox("prices", "show", "house", "--json")).toBe(0);
    expect(JSON.parse(out).data).toMatchObject([
      { own: true, provider: "me", model: "^house-.*$", input: 1 },
      { own: true, provider: "*", model: "^house-.*$", input: 0.25, output: 2, source: join(home, "prices.json") },
    ]);
    out = "";
    expect(await signalbox("prices", "set", "m", "--input", "cheap", "--output", "2")).toBe(1);
    expect(await signalbox("prices", "set", "m", "--input", "1", "--output", "2", "--from", "soon")).toBe(1);
    expect(await signalbox("prices", "explain", "0000000000000001")).toBe(1);
    expect(out).toMatch(/USD per million tokens.*from is not a date.*Signalbox does not run/s);
  });

  it("says what history there is, names the line that cannot be read, and sends nothing in a dry run", async () => {
    vi.stubEnv("HOME", home);
    for (const name of ["CLAUDE_CONFIG_DIR", "CODEX_HOME", "OPENCLAW_STATE_DIR"]) vi.stubEnv(name, "");
    const folder = join(home, ".claude/projects/-home-user-project");
    const file = join(folder, "7b53ae41-06c6-43af-8e71-406aafa52c59.jsonl");
    mkdirSync(folder, { recursive: true });
    const usage = { input_tokens: 10, cache_read_input_tokens: 90, output_tokens: 5 };
    const lines = [
      { type: "user", promptId: "p", timestamp: "2026-11-01T10:00:00Z", message: { content: "hello" } },
      { type: "assistant", timestamp: "2026-11-01T10:00:02Z", message: { id: "m", model: "claude-sonnet-4-5", content: [], usage } },
    ].map((entry) => JSON.stringify(entry));
    writeFileSync(file, [lines[0], '{"type":"assist', lines[1]].join("\n"));
    expect(await signalbox("import", "--dry-run", "--json")).toBe(0);
    const { agents } = JSON.parse(out.slice(out.indexOf('{"dry_run"')));
    expect(agents["claude-code"]).toMatchObject({ files: 1, sessions: 1, turns: 1, calls: 1, input_tokens: 100, output_tokens: 5 });
    expect(agents["claude-code"]).toMatchObject({ malformed_lines: 1, malformed: [`${file}:2: not JSON`] });
    expect(agents.codex).toMatchObject({ files: 0, calls: 0 });
    out = "";
    expect(await signalbox("import", "claude-code", "--dry-run", "--since", "2026-11-02")).toBe(0);
    expect(out).toContain("1 file, 0 sessions, 0 calls");
    expect(await signalbox("import", "--since", "yesterday")).toBe(1);
    expect(out).toMatch(/a date \(2026-11-01\)/);
  });

  it("answers status with exit code 3 where nothing runs", async () => {
    expect(await signalbox("status", "--json")).toBe(3);
    expect(JSON.parse(out)).toEqual({ state: "not_running", state_folder: home });
  });
});
