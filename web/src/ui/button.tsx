import type { ButtonHTMLAttributes, Ref } from "react";
import { classNames } from "./class-names.ts";

const TONES = {
  plain: "border-line-strong bg-surface text-ink hover:bg-hover",
  danger: "border-bad/50 bg-surface text-bad hover:bg-bad-soft",
  stop: "border-transparent bg-bad text-inverse hover:opacity-90",
};

/** For a link that looks like a button, too. */
export const buttonLook = (tone: keyof typeof TONES = "plain") =>
  classNames("inline-flex h-8 items-center justify-center gap-1.5 whitespace-nowrap rounded-md border px-3 text-sm", TONES[tone]);

/**
 * A button that says why where it cannot work: `blocked` is that reason. It stays focusable, so that the reason can be read by
 * everyone.
 */
export function Button({
  tone = "plain",
  blocked,
  className,
  onClick,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & {
  tone?: keyof typeof TONES;
  blocked?: string | undefined;
  ref?: Ref<HTMLButtonElement>;
  "data-first-focus"?: boolean;
}) {
  return (
    <button
      type="button"
      {...rest}
      title={blocked ?? rest.title}
      aria-disabled={blocked ? true : undefined}
      onClick={(event) => !blocked && onClick?.(event)}
      className={classNames(buttonLook(tone), blocked && "cursor-not-allowed opacity-50", className)}
    />
  );
}

/** The key that does the same. */
export const Key = ({ children }: { children: string }) => (
  <kbd className="hidden min-w-4 rounded-sm border border-line bg-sunken px-1 text-center font-sans text-ink-2 text-xs md:inline-block">
    {children}
  </kbd>
);
