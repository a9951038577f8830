import { html } from "htm/preact";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface ListProps<T> {
  readonly items: readonly T[];
  /** Of each row, in pixels: all are of one height, so that a hundred thousand need no measuring. */
  readonly rowHeight: number;
  readonly label: string;
  readonly columns: readonly string[];
  /** The row to show; null leaves the list where it is. */
  readonly at: number | null;
  readonly row: (item: T, index: number) => ComponentChildren;
  readonly onPick: (item: T) => void;
}

/** Rows beyond what is seen, above and below: scrolling meets no gap. */
const overscan = 8;

/** Draws only the rows that are seen. Arrows, Page, Home and End move; Enter picks. */
export function VirtualList<T>({ items, rowHeight, label, columns, at, row, onPick }: ListProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [active, setActive] = useState(0);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    setHeight(element.clientHeight);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (at === null || at < 0) return;
    setActive(at);
    scrollTo(at);
  }, [at, items]);

  const scrollTo = (index: number): void => {
    const element = box.current;
    if (!element) return;
    const [first, last] = [index * rowHeight, (index + 1) * rowHeight];
    if (first < element.scrollTop) element.scrollTop = first;
    else if (last > element.scrollTop + element.clientHeight) element.scrollTop = last - element.clientHeight;
  };
  const move = (to: number): void => {
    const index = Math.max(0, Math.min(items.length - 1, to));
    setActive(index);
    scrollTo(index);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: items.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) move(to);
    else if (event.key === "Enter" || event.key === " ") {
      const item = items[active];
      if (item !== undefined) onPick(item);
    } else return;
    event.preventDefault();
  };

  const first = Math.max(0, Math.floor(top / rowHeight) - overscan);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + overscan);
  const focusable = active >= first && active < last ? active : first;
  return html`<div
    class="list"
    role="grid"
    aria-label=${label}
    aria-rowcount=${items.length + 1}
    onKeyDown=${onKeyDown}
  >
    <div class="row head" role="row" aria-rowindex="1">
      ${columns.map((column) => html`<div role="columnheader">${column}</div>`)}
    </div>
    <div
      class="scroll"
      role="rowgroup"
      ref=${box}
      onScroll=${(event: Event) => setTop((event.currentTarget as HTMLElement).scrollTop)}
    >
      <div class="space" role="presentation" style=${{ height: `${items.length * rowHeight}px` }}>
        <div class="window" role="presentation" style=${{ transform: `translateY(${first * rowHeight}px)` }}>
          ${items.slice(first, last).map((item, i) => {
            const index = first + i;
            return html`<div
              class=${`row${at === index ? " picked" : ""}`}
              role="row"
              key=${index}
              data-index=${index}
              aria-rowindex=${index + 2}
              aria-selected=${at === index}
              tabindex=${index === focusable ? 0 : -1}
              onClick=${() => {
                setActive(index);
                onPick(item);
              }}
            >
              ${row(item, index)}
            </div>`;
          })}
        </div>
      </div>
    </div>
  </div>`;
}
