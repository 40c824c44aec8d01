/**
 * What a machine without a config has: model servers on its loopback ports, GGUF files in the usual folders, providers' keys in the
 * environment. Nothing is sent anywhere but a question for a list of models; keys stay in the environment, and are named, never written.
 */

import type { Environment } from "../../config/references.ts";
import { type Config, demoConfig, parseConfig } from "../../config.ts";
import { CLOUD_PROVIDERS, type CloudProvider, lookForKeys } from "./cloud.ts";
import type { Finding } from "./finding.ts";
import { lookForFiles, modelFolders } from "./gguf-files.ts";
import { LOCAL_SERVERS, type LocalServer, lookForServers } from "./local-servers.ts";

export interface DiscoveryOptions {
  environment: Environment;
  home: string;
  servers?: readonly LocalServer[];
  providers?: readonly CloudProvider[];
  folders?: readonly string[];
}

/** Takes some 3 s at most. Never rejects: what does not answer is not there. */
export async function discover({
  environment,
  home,
  servers = LOCAL_SERVERS,
  providers = CLOUD_PROVIDERS,
  folders = modelFolders(home, environment),
}: DiscoveryOptions): Promise<Finding[]> {
  const found = await Promise.all([lookForServers(servers), lookForFiles(folders), lookForKeys(providers, environment)]);
  return found.flat();
}

/**
 * A config of what was found. `auto` is served by what is local, and where nothing local was found by the two demo pools: a provider's
 * key is spent on requests that name one of that provider's models, and on no others.
 */
export function configOf(findings: readonly Finding[], environment: Environment): Config {
  const found = findings.flatMap(({ pool, local }) => (pool ? [{ pool, local }] : []));
  const demo = demoConfig();
  const local = found.filter((one) => one.local).flatMap(({ pool }) => pool.models.map(({ id }) => id));
  const pools = found.map(({ pool }) => pool);
  const config =
    local.length > 0
      ? { ...demo, pools, models: { auto: { any_of: [...new Set(local)] } }, routes: [], sla: {} }
      : { ...demo, pools: [...demo.pools, ...pools] };
  return parseConfig(JSON.stringify(config), "what was found on this machine", environment);
}
