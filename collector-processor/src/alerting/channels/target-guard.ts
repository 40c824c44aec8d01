import { lookup as lookupAddress } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Keeps notifications from reaching what only this machine or its network can reach. */
export interface TargetGuard {
  /** @throws when the host is an address that is not allowed. A name is checked when it is looked up. */
  check(host: string): void;
  /** As of node:net: the address that is connected to is the one that was checked. */
  lookup: LookupFunction;
  /** The first allowed address of a host. @throws when it has none */
  resolve(host: string): Promise<string>;
}

const never = new BlockList();
const local = new BlockList();
// what hands out a cloud machine's own credentials is nobody's channel
never.addSubnet("169.254.0.0", 16, "ipv4");
never.addSubnet("fe80::", 10, "ipv6");
never.addAddress("fd00:ec2::254", "ipv6");
never.addSubnet("224.0.0.0", 3, "ipv4");
never.addSubnet("ff00::", 8, "ipv6");
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
] as const) {
  local.addSubnet(network, bits, "ipv4");
}
for (const [network, bits] of [
  ["::", 127],
  ["fc00::", 7],
  ["64:ff9b::", 96],
] as const) {
  local.addSubnet(network, bits, "ipv6");
}

/** @param allowPrivate let addresses of this machine and its network through; link-local ones never */
export function targetGuard(allowPrivate: boolean): TargetGuard {
  const isRefused = (address: string, family: number): boolean => {
    // BlockList takes ::ffff:10.0.0.1 for the IPv4 address that it is
    const kind = family === 6 ? "ipv6" : "ipv4";
    return never.check(address, kind) || (!allowPrivate && local.check(address, kind));
  };
  const refusal = (host: string) =>
    new Error(`${host} is an address of this machine or its network: set collector.alerting.private_targets to allow it`);

  const lookup: LookupFunction = (host, options, done) => {
    lookupAddress(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, "");
      const allowed = addresses.filter(({ address, family }) => !isRefused(address, family));
      const [first] = allowed;
      if (first === undefined) return done(refusal(host), "");
      if (options.all) return done(null, allowed);
      done(null, first.address, first.family);
    });
  };
  function check(host: string): void {
    const address = host.replace(/^\[|\]$/g, "");
    const family = isIP(address);
    if (family !== 0 && isRefused(address, family)) throw refusal(address);
  }
  return {
    check,
    lookup,
    resolve(host) {
      check(host);
      return new Promise((resolve, reject) => {
        lookup(host, {}, (error, address) => (error === null ? resolve(String(address)) : reject(error)));
      });
    },
  };
}
