/** The network in figures, for those who want them. */
import { useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { language } from "../i18n/index.ts";
import type { MatchConnection } from "./connection.ts";
import { inLab } from "./lab.ts";
import { LabSliders } from "./lab-sliders.tsx";
import { useBeat } from "./link.tsx";

export function NetPanel(props: { connection: MatchConnection; onClose: () => void; onPlay: () => void }) {
  useBeat(500);
  const { connection } = props;
  const pings = useRef<number[]>([]);
  const stats = connection.stats();
  if (stats !== undefined && stats.pingMs > 0) {
    pings.current = [...pings.current.slice(-47), stats.pingMs];
  }
  const ms = (value: number | undefined) => (value === undefined ? t("net.none") : t("net.ms", { n: Math.round(value) }));
  const number = (value: number | undefined) => (value === undefined ? t("net.none") : value.toLocaleString(language.value));
  const rows: [string, string][] = [
    [t("net.ping"), ms(stats?.pingMs)],
    [t("net.jitter"), ms(stats?.jitterMs)],
    [t("net.age"), ms(stats?.ageMs)],
    [t("net.tick"), number(stats?.tick)],
    [t("net.rate"), connection.tickRate === 0 ? t("net.eventDriven") : number(connection.tickRate)],
    [t("net.frames"), number(stats?.frames)],
    [t("net.bytes"), number(stats?.bytes)],
    [t("net.perFrame"), stats === undefined || stats.frames === 0 ? t("net.none") : (stats.bytes / stats.frames).toFixed(1)],
    [t("net.corrections"), number(stats?.desyncs)],
    [t("net.resumes"), number(connection.resumes)],
    [t("net.room"), connection.room || t("net.none")],
  ];
  return (
    <aside class="net" aria-label={t("net.title")}>
      <div class="net-head">
        <h2>{t("net.title")}</h2>
        <button type="button" class="round" aria-label={t("net.close")} onClick={props.onClose}>✕</button>
      </div>
      <Spark values={pings.current} />
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {inLab && <LabSliders onLetGo={props.onPlay} />}
      <p class="hint">{t("net.hint")}</p>
    </aside>
  );
}

function Spark(props: { values: number[] }) {
  const top = Math.max(20, ...props.values) * 1.15;
  const points = props.values.map((value, index) => `${(index / 47) * 200},${40 - (value / top) * 38}`).join(" ");
  return (
    <svg class="spark" viewBox="0 0 200 40" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" />
    </svg>
  );
}
