import { classNames } from "./class-names.ts";

export const Skeleton = ({ className }: { className?: string }) => (
  <span className={classNames("block animate-[breathe_1.6s_ease-in-out_infinite] rounded-md bg-line", className)} aria-hidden />
);

/** Stands where rows will be, as high as they will be. */
export function SkeletonRows({ rows = 6, height = 44 }: { rows?: number; height?: number }) {
  return (
    <div role="status" aria-label="loading">
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={index} className="flex items-center gap-4 border-line border-t px-4 first:border-t-0" style={{ height }}>
          <Skeleton className="h-3 w-1/4" />
          <Skeleton className="h-3 w-1/6" />
          <Skeleton className="ml-auto h-3 w-16" />
        </div>
      ))}
    </div>
  );
}
