/** Ids keep their own part across dialects and change their prefix only, so that a retry or a log can be matched by eye. */

const KNOWN_PREFIX = /^(?:chatcmpl|msg|resp)[-_]/;
const NOT_IN_TOOL_ID = /[^a-zA-Z0-9_-]/g;

const core = (id: string) => id.replace(KNOWN_PREFIX, "");

export const chatId = (id: string) => `chatcmpl-${core(id)}`;
export const messageId = (id: string) => `msg_${core(id)}`;
export const responseId = (id: string) => `resp_${core(id)}`;

/** The id of an output item of a response: `msg_…_0`, `rs_…_1`, `fc_…_2`. */
export const itemId = (prefix: "msg" | "rs" | "fc" | "ctc", id: string, index: number) => `${prefix}_${core(id)}_${index}`;

/** Anthropic allows letters, digits, `_` and `-` only. One id always gives the same result, so that calls and results still meet. */
export const anthropicToolId = (id: string) => id.replace(NOT_IN_TOOL_ID, (char) => `-${char.codePointAt(0)?.toString(16)}-`);
