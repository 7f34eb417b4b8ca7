/** The wait as a lift's floor dial. A picture beside the words, which say the same. */
import { wait as inWords } from "../i18n/index.ts";
import type { WaitStatus } from "../net/types.ts";

const X = 200;
const Y = 196;
const R = 170;
const TICKS = 24;
/** Room on the dial beyond the 90th percentile. */
const BEYOND = 1.3;
const LEAST_MS = 4_000;

export function Dial(props: { elapsed: number; status: WaitStatus }) {
  const { eta_p50_ms: p50, eta_p90_ms: p90 } = props.status;
  const known = p50 !== undefined && p50 !== null;
  const likely = known ? Math.max(p90 ?? p50, p50) : 0;
  const full = Math.max(LEAST_MS, likely * BEYOND);
  const share = (ms: number) => Math.min(1, ms / full);
  return (
    <svg class="dial" viewBox="0 0 400 214" aria-hidden="true">
      <path class="dial-rim" d={arc(0, 1)} />
      {known && <path class="dial-likely" d={arc(share(p50), Math.max(share(likely), share(p50) + 0.02))} />}
      {Array.from({ length: TICKS + 1 }, (_, tick) => {
        const [x1, y1] = point(tick / TICKS, R - 12);
        const [x2, y2] = point(tick / TICKS, R - (tick % 4 === 0 ? 26 : 19));
        return <line key={tick} class="dial-tick" x1={x1} y1={y1} x2={x2} y2={y2} />;
      })}
      {known && <Mark at={share(p50)} text={inWords(p50)} />}
      {known && share(likely) - share(p50) > 0.14 && <Mark at={share(likely)} text={inWords(likely)} />}
      <line
        class={`dial-hand ${known ? "" : "dial-hand-lost"}`}
        x1={X}
        y1={Y}
        x2={X}
        y2={Y - R + 36}
        style={known ? { transform: `rotate(${share(props.elapsed) * 180 - 90}deg)` } : {}}
      />
      <circle class="dial-hub" cx={X} cy={Y} r="11" />
    </svg>
  );
}

function Mark(props: { at: number; text: string }) {
  const [x, y] = point(props.at, R + 20);
  return <text class="dial-mark" x={x} y={y + 4}>{props.text}</text>;
}

function point(share: number, radius: number): [number, number] {
  const angle = Math.PI * (1 - share);
  return [X + Math.cos(angle) * radius, Y - Math.sin(angle) * radius];
}

function arc(from: number, to: number): string {
  const [x1, y1] = point(from, R);
  const [x2, y2] = point(to, R);
  return `M${x1} ${y1}A${R} ${R} 0 0 1 ${x2} ${y2}`;
}
