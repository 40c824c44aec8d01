/** `signalbox config`, as a user runs it. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../support/run-command.ts";

const SIGNALBOX = fileURLToPath(new URL("../../plugins/cli/bin/signalbox.mjs", import.meta.url));
const GOOD = `# yaml-language-server: $schema=./signalbox.config.schema.json
pools: [{ name: p, silicon: gpu, engine: openai-compatible, base_url: "http://127.0.0.1:1/v1", models: [{ id: m }] }]
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "signalbox-config-"));
});
afterEach(() => rm(folder, { recursive: true }));

const config = (...args: string[]) =>
  runCommand(process.execPath, [SIGNALBOX, "config", ...args], { cwd: folder, env: { SIGNALBOX_HOME: folder, SIGNALBOX_CONFIG: "" } });

test("check finds the file that would be used, and its exit code says whether it is right", async () => {
  expect(await config("check")).toMatchObject({
    code: 1,
    output: "there is no signalbox.config.yaml, here or in the state folder: name a file\n",
  });
  const file = path.join(folder, "signalbox.config.yaml");
  await writeFile(file, GOOD);
  expect(await config("check")).toMatchObject({ code: 0, output: expect.stringMatching(/signalbox\.config\.yaml: ok\n$/) });

  await writeFile(file, `${GOOD.replace("silicon", "silicn")}rotues: []\n`);
  const bad = await config("check", "signalbox.config.yaml");
  expect(bad).toMatchObject({
    code: 1,
    output:
      'signalbox.config.yaml:2:20: pools[0].silicn: unknown key "silicn", did you mean "silicon"?\n' +
      'signalbox.config.yaml:3:1: rotues: unknown key "rotues", did you mean "routes"?\n',
  });
  const json = JSON.parse((await config("check", "signalbox.config.yaml", "--json")).output) as object;
  expect(json).toEqual({ file: "signalbox.config.yaml", ok: false, problems: bad.output.trimEnd().split("\n") });
  expect(await config("check", "not-there.yaml")).toMatchObject({
    code: 1,
    output: expect.stringMatching(/^not-there\.yaml: cannot be read: ENOENT/),
  });
});

test("schema prints the JSON Schema that is shipped", async () => {
  const { code, output } = await config("schema");
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ title: "signalbox.config.yaml", type: "object", required: ["pools"] });
});
