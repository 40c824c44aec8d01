import { SILICONS, type Silicon } from "@signalbox/otel/conventions";

/** How a kind of silicon looks: a colour, and a sign that does not need it. */
export interface SiliconLook {
  label: string;
  color: string;
  /** The outline of its sign: corners for what you own, round for what you rent. */
  shape: "square" | "diamond" | "hexagon" | "circle" | "dashed";
}

const LOOKS: Record<Silicon, SiliconLook> = {
  cpu: { label: "CPU", color: "var(--cpu)", shape: "square" },
  gpu: { label: "GPU", color: "var(--gpu)", shape: "diamond" },
  npu: { label: "NPU", color: "var(--npu)", shape: "hexagon" },
  cloud: { label: "Cloud", color: "var(--cloud)", shape: "circle" },
};
const OTHER: SiliconLook = { label: "not routed", color: "var(--other)", shape: "dashed" };

const isSilicon = (name: string): name is Silicon => (SILICONS as readonly string[]).includes(name);

/** Null and '' mean that the call named none: it did not go through a pool. */
export function siliconLook(name: string | null | undefined): SiliconLook {
  if (!name) return OTHER;
  return isSilicon(name) ? LOOKS[name] : { ...OTHER, label: name };
}
