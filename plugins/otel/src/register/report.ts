import type { Change } from "./config-changes.ts";
import type { RegisteredFile, RegisterPlan, UnregisterPlan } from "./registration.ts";
import { textDiff } from "./text-diff.ts";
import type { RegisterReport, RegisterStep } from "./types.ts";

interface Reported {
  /** The agent's name on the command line. */
  agent: string;
  file: RegisteredFile;
  dryRun: boolean;
}

/** What a plan's registration is or would be; steps and notes are the agent's. */
export function registerReport({ agent, file, dryRun }: Reported, plan: RegisterPlan): Omit<RegisterReport, "steps" | "notes"> {
  return {
    agent,
    action: "register",
    dryRun,
    changed: plan.changed,
    configPath: file.config,
    diff: plan.changed ? textDiff(plan.current ?? "", plan.applied.text) : "",
    backupPath: !dryRun && plan.original !== undefined ? file.backup : null,
  };
}

/** What the plan does about the value of that name. */
export function stepState({ changed, applied }: RegisterPlan, name: string, dryRun: boolean): RegisterStep["state"] {
  if (!changed || !applied.changes.some((change) => change.name === name)) return "unchanged";
  return dryRun ? "would" : "done";
}

/** What a plan takes out, and what it leaves because someone changed it; without a plan nothing is registered, and `otherwise` says so. */
export function unregisterReport({ agent, file, dryRun }: Reported, plan: UnregisterPlan | undefined, otherwise: string): RegisterReport {
  const step = (change: Change): RegisterStep => ({
    name: change.name,
    state: plan?.kept.includes(change) ? "kept" : dryRun ? "would" : "done",
    detail: change.path.join("."),
  });
  return {
    agent,
    action: "unregister",
    dryRun,
    changed: plan?.changed ?? false,
    configPath: file.config,
    steps: plan?.changes.map(step) ?? [],
    diff: plan === undefined ? "" : textDiff(plan.current ?? "", plan.text ?? ""),
    backupPath: null,
    notes: plan?.kept.map((change) => `${change.path.join(".")} was changed since and stays`) ?? [otherwise],
  };
}
