import { Download } from "lucide-react";
import { EXPORT_FORMATS } from "../api/export-format.ts";

/** The rows behind a table, all of them, as a file. `address` gives the address of the list in a format. */
export function ExportLinks({ address }: { address: (format: string) => string }) {
  return (
    <span className="inline-flex items-center gap-2 align-bottom">
      <Download size={13} aria-hidden />
      {EXPORT_FORMATS.map((format) => (
        <a
          key={format}
          href={address(format)}
          download
          className="underline-offset-4 hover:underline"
          aria-label={`export as ${format.toUpperCase()}`}
        >
          {format.toUpperCase()}
        </a>
      ))}
    </span>
  );
}
