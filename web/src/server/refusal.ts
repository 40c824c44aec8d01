/** What a reader of the API did wrong. The route wrapper turns these into answers. */

export class InvalidParameter extends Error {
  override name = "InvalidParameter";
  readonly field: string;

  /** `message` follows the field's name: "is before from". */
  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.field = field;
  }
}

export class NotFound extends Error {
  override name = "NotFound";
}
