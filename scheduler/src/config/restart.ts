/** What a config changes that only a restart can put in force, in words. Ports, host and token are environment variables: none is reloaded. */

import type { Config } from "./schema.ts";

export function waitsForRestart(before: Config, after: Config): string[] {
  const changed = (read: (config: Config) => unknown) => JSON.stringify(read(before)) !== JSON.stringify(read(after));
  const collector = [
    changed((config) => config.collector) && "collector",
    changed((config) => config.fan_out) && "fan_out",
    changed((config) => config.keys) && "keys",
    changed((config) => [config.baseline, config.pools.map(({ models }) => models)]) && "prices",
  ].filter((part) => part !== false);
  return [
    ...(changed((config) => config.admission) ? ["admission (the scheduler)"] : []),
    ...(changed((config) => config.content) ? ["content (the scheduler)"] : []),
    ...(collector.length > 0 ? [`${collector.join(", ")} (the collector, which reads the file at its start)`] : []),
  ];
}
