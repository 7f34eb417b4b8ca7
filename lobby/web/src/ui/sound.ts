/** A desk bell, made of three decaying sines. Rings only where the player asked for it. */
import { signal } from "@preact/signals";

const KEY = "bellhop.sound";
export const sound = signal(localStorage.getItem(KEY) === "on");

let context: AudioContext | undefined;

export function setSound(on: boolean): void {
  sound.value = on;
  localStorage.setItem(KEY, on ? "on" : "off");
  if (on) {
    ring();
  }
}

export function ring(): void {
  if (!sound.value || !("AudioContext" in globalThis)) {
    return;
  }
  context ??= new AudioContext();
  void context.resume();
  const now = context.currentTime;
  for (const [ratio, level, seconds] of [[1, 0.2, 1.6], [2.76, 0.1, 0.9], [5.4, 0.05, 0.4]] as const) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = 1046 * ratio;
    gain.gain.setValueAtTime(level, now);
    gain.gain.exponentialRampToValueAtTime(0.0001, now + seconds);
    tone.connect(gain).connect(context.destination);
    tone.start(now);
    tone.stop(now + seconds);
  }
}
