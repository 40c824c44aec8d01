/** Whether an HTTP status says that the same request can succeed later; the rule of the OpenAI and Anthropic clients. */
export const canRetry = (status: number): boolean => status === 408 || status === 409 || status === 429 || status >= 500;
