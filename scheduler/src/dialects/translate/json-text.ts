/** Tells when pieces of JSON text make one whole object, in constant memory. */
export class JsonText {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #begun = false;

  push(text: string): void {
    for (const char of text) {
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        if (char === "\\") this.#escaped = true;
        else if (char === '"') this.#inString = false;
      } else if (char === '"') this.#inString = true;
      else if (char === "{" || char === "[") {
        this.#begun = true;
        this.#depth++;
      } else if (char === "}" || char === "]") this.#depth--;
    }
  }

  /** An object or an array began and ended. */
  get complete(): boolean {
    return this.#begun && this.#depth === 0;
  }
}
