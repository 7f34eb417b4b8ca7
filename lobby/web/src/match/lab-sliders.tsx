/** The sliders of the lab: how bad the network is to be. */
import { t } from "../i18n/index.ts";
import { weather } from "./lab.ts";
import type { Weather } from "./late.ts";

const SLIDERS: { of: keyof Weather; name: "lab.latency" | "lab.jitter" | "lab.loss"; most: number; step: number }[] = [
  { of: "latencyMs", name: "lab.latency", most: 500, step: 10 },
  { of: "jitterMs", name: "lab.jitter", most: 200, step: 5 },
  { of: "lossPercent", name: "lab.loss", most: 10, step: 0.5 },
];

/** A hand that lets a slider go wants to play on: then `onLetGo`. Keys stay on the slider. */
export function LabSliders(props: { onLetGo: () => void }) {
  return (
    <fieldset class="lab">
      <legend>{t("lab.title")}</legend>
      {SLIDERS.map(({ of, name, most, step }) => (
        <label key={of}>
          {t(name, { n: weather.value[of] })}
          <input
            type="range"
            min={0}
            max={most}
            step={step}
            value={weather.value[of]}
            onInput={(event) => (weather.value = { ...weather.value, [of]: event.currentTarget.valueAsNumber })}
            onPointerUp={(event) => {
              event.currentTarget.blur();
              props.onLetGo();
            }}
          />
        </label>
      ))}
    </fieldset>
  );
}
