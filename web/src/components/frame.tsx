import type { ReactNode } from "react";

/** The width and rhythm of a page. */
export const Frame = ({ children }: { children: ReactNode }) => (
  <div className="mx-auto flex max-w-[1360px] flex-col gap-5 px-4 py-6 md:px-8">{children}</div>
);
