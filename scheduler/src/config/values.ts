/** Values that several parts of the config take. */

import { SILICONS, SLA_CLASSES } from "@signalbox/otel/conventions";
import { z } from "zod";

export const name = z.string().min(1).max(128);
export const usd = z.number().min(0);
export const milliseconds = z.number().positive();
export const count = z.int().min(1);
export const tier = z.int().min(0).max(3);
export const slaClass = z.enum(SLA_CLASSES);
export const silicon = z.enum(SILICONS);
