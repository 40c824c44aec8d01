export { requireVersion } from "./agent-version.ts";
export { type Applied, applyChanges, type Change, type Reverted, revertChanges, type Wanted } from "./config-changes.ts";
export { readText, requireWritable, sha256, writeAtomically } from "./files.ts";
export { appendItem, getValue, removeItem, removeValue, setValue } from "./json5/edit.ts";
export { Json5Error, parseJson5, plainValue } from "./json5/parse.ts";
export {
  type ConfigFormat,
  othersRegistered,
  planRegister,
  planUnregister,
  type RegisteredFile,
  type RegisterPlan,
  registeredFile,
  type UnregisterPlan,
  writeRegistration,
  writeUnregistration,
} from "./registration.ts";
export { registerReport, stepState, unregisterReport } from "./report.ts";
export { schedulerModels } from "./scheduler-models.ts";
export { textDiff } from "./text-diff.ts";
export { type CommonRegisterOptions, RegisterError, type RegisterReport, type RegisterStep, requireUrl } from "./types.ts";
