import { spawn } from "node:child_process";

export interface CommandResult {
  code: number;
  seconds: number;
  output: string;
}

/** Runs a command at the repository's root. With `show`, its output goes to the terminal; else it is kept. */
export function runCommand(
  command: string,
  args: string[],
  options: { cwd: string; show?: boolean; env?: Record<string, string> },
): Promise<CommandResult> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: options.show ? "inherit" : "pipe",
    });
    let output = "";
    const keep = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    const finish = (code: number) => resolve({ code, seconds: (performance.now() - started) / 1000, output });
    child.once("error", (error) => {
      output += error.message;
      finish(127);
    });
    child.once("close", (code) => finish(code ?? 1));
  });
}
