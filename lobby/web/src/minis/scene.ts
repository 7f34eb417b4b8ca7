/** What the miniatures share: a sharp canvas, a beat, and rest while nobody looks. */

export interface Painter {
  /** One move. */
  step(): void;
  /** Draws; `part` runs from 0 to 1 between two moves. */
  draw(pen: CanvasRenderingContext2D, width: number, height: number, part: number): void;
}

export function run(canvas: HTMLCanvasElement, painter: Painter, beatMs: number, still: boolean): () => void {
  const pen = canvas.getContext("2d");
  if (pen === null) {
    return () => {};
  }
  let width = 0;
  let height = 0;
  let frame = 0;
  let last = performance.now();
  let seen = true;
  const paint = (part: number) => {
    const scale = devicePixelRatio;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    painter.draw(pen, width, height, part);
  };
  const loop = (now: number) => {
    if (now - last > beatMs) {
      painter.step();
      last = now - last > 2 * beatMs ? now : last + beatMs;
    }
    paint(Math.min(1, (now - last) / beatMs));
    frame = requestAnimationFrame(loop);
  };
  const wake = () => {
    cancelAnimationFrame(frame);
    if (seen && !still) {
      last = performance.now();
      frame = requestAnimationFrame(loop);
    }
  };
  const size = new ResizeObserver(() => {
    ({ width, height } = canvas.getBoundingClientRect());
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    paint(1);
  });
  const sight = new IntersectionObserver(([entry]) => {
    seen = entry?.isIntersecting ?? true;
    wake();
  });
  size.observe(canvas);
  sight.observe(canvas);
  return () => {
    cancelAnimationFrame(frame);
    size.disconnect();
    sight.disconnect();
  };
}
