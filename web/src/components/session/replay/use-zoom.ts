"use client";
import { type RefObject, useCallback, useEffect, useEffectEvent, useState } from "react";

/** The part of the time axis that is in sight, as fractions of the whole. */
export interface Zoom {
  from: number;
  to: number;
}

const WHOLE: Zoom = { from: 0, to: 1 };
const CLOSEST = 1 / 5000;

/** Zoom of a strip: Ctrl and wheel around the pointer, wheel sideways to move. `width` is the strip's, in pixels. */
export function useZoom(strip: RefObject<HTMLElement | null>) {
  const [zoom, setZoom] = useState(WHOLE);
  const [width, setWidth] = useState(0);
  const zoomBy = useCallback(
    (factor: number, around: number) =>
      setZoom(({ from, to }) => {
        const length = Math.min(1, Math.max(CLOSEST, (to - from) * factor));
        const place = around < from || around > to ? 0.5 : (around - from) / (to - from);
        return within(Math.min(1, Math.max(0, around)) - place * length, length);
      }),
    [],
  );
  const wheel = useEffectEvent((event: WheelEvent) => {
    const box = strip.current?.getBoundingClientRect();
    if (!box || box.width === 0) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoomBy(Math.exp(event.deltaY / 300), zoom.from + ((event.clientX - box.left) / box.width) * (zoom.to - zoom.from));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      const length = zoom.to - zoom.from;
      setZoom(within(zoom.from + (event.deltaX / box.width) * length, length));
    }
  });
  useEffect(() => {
    const element = strip.current;
    if (!element) return;
    const measure = new ResizeObserver(() => setWidth(element.clientWidth));
    measure.observe(element);
    const onWheel = (event: WheelEvent) => wheel(event);
    // React's own listener is passive: it could not keep the browser from zooming the page
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => {
      measure.disconnect();
      element.removeEventListener("wheel", onWheel);
    };
  }, [strip]);
  return { zoom, width, zoomBy, fit: () => setZoom(WHOLE) };
}

function within(from: number, length: number): Zoom {
  const start = Math.min(1 - length, Math.max(0, from));
  return { from: start, to: start + length };
}
