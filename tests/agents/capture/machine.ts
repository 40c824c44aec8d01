import { mkdirSync, rmSync } from "node:fs";
import { arch, hostname, release, tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";

/**
 * The folders one agent runs in. They look like those of a made-up user, so that taking `root` out of a text leaves a
 * plausible path: `<root>/home/user/project` becomes `/home/user/project`.
 */
export interface Machine {
  root: string;
  home: string;
  project: string;
  tmp: string;
  /** PATH with this Node first. */
  path: string;
}

/** Fresh folders for `agent`, emptied of what an earlier scenario left. */
export function freshMachine(agent: string): Machine {
  const root = join(tmpdir(), `signalbox-capture-${agent}`);
  rmSync(root, { recursive: true, force: true });
  const home = join(root, "home", "user");
  const machine = {
    root,
    home,
    project: join(home, "project"),
    tmp: join(root, "tmp"),
    path: `${dirname(process.execPath)}:/usr/bin:/bin`,
  };
  mkdirSync(machine.project, { recursive: true });
  mkdirSync(machine.tmp, { recursive: true });
  return machine;
}

/** Texts of this machine with what stands for them in a fixture; longest first, so that no part is replaced before its whole. */
export function machineTexts(machine: Machine, agentDir: string): [string, string][] {
  const slug = (path: string) => path.replace(/[^A-Za-z0-9]/g, "-");
  const repository = join(import.meta.dirname, "..", "..", "..");
  const texts: [string, string][] = [
    [machine.root, ""],
    [slug(machine.root), ""],
    [agentDir, "/opt/agent"],
    [repository, "/opt/signalbox"],
    [dirname(process.execPath), "/opt/node/bin"],
    [release(), "<kernel>"],
  ];
  return texts.filter(([text]) => text.length > 1).sort(([one], [other]) => other.length - one.length);
}

/** Names a fixture must not hold, matched as whole words. */
export const machineWords = (): string[] => [hostname(), userInfo().username].filter((word) => word.length > 1 && word !== arch());

/** The command that hands a hook's payload on to the sink. */
export const FORWARD_HOOK = `node ${join(import.meta.dirname, "forward-hook.ts")}`;
