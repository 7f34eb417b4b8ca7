/** Keys and mouse, or two thumbs: all of them end in what is held for the next step. */
import { elsewhere } from "@bellhop/page/game-kit";
import { angle, between, type Body, CIRCLE, type Input } from "./view.ts";

const KEYS: Record<string, "forward" | "back" | "left" | "right" | "fire" | "aimLeft" | "aimRight"> = {
  KeyW: "forward", ArrowUp: "forward", KeyS: "back", ArrowDown: "back", KeyA: "left", ArrowLeft: "left",
  KeyD: "right", ArrowRight: "right", Space: "fire", KeyQ: "aimLeft", KeyE: "aimRight",
};
type Key = (typeof KEYS)[string];

/** A thumb's reach, and how far of it means something. */
const REACH_PX = 54;
const MEANT = 0.28;
const FIRES = 0.62;
/** Angles a second that Q and E turn the turret by. */
const AIM_SPEED = 620;
/** A hull that is off by less goes straight on. */
const STRAIGHT = 11;

interface Thumb {
  id: number;
  x: number;
  y: number;
  dx: number;
  dy: number;
}

export class Steering {
  /** The two pads under the thumbs; hidden where there is a mouse. */
  readonly pads = document.createElement("div");
  /** Whether a finger was used: then aiming follows thumbs, not the mouse. */
  touched = false;
  #keys = new Set<Key>();
  #mouse: { x: number; y: number } | undefined;
  #mouseFires = false;
  #drive: Thumb | undefined;
  #aim: Thumb | undefined;
  #shot = false;
  #angle: number | undefined;
  #stop = new AbortController();
  #knobs: Record<"drive" | "aim", HTMLElement>;
  #at = 0;

  constructor(
    readonly surface: HTMLElement,
    names: { drive: string; aim: string },
  ) {
    this.pads.className = "thumbs";
    const pad = (which: "drive" | "aim") => {
      const root = document.createElement("div");
      root.className = `thumb thumb-${which}`;
      root.setAttribute("role", "img");
      root.setAttribute("aria-label", names[which]);
      const knob = document.createElement("i");
      root.append(knob);
      this.pads.append(root);
      return knob;
    };
    this.#knobs = { drive: pad("drive"), aim: pad("aim") };
    const { signal } = this.#stop;
    addEventListener("keydown", (event) => this.#key(event, true), { signal });
    addEventListener("keyup", (event) => this.#key(event, false), { signal });
    addEventListener("blur", () => this.#letGo(), { signal });
    for (const ground of [surface, this.pads]) {
      ground.addEventListener("pointerdown", (event) => this.#down(event), { signal });
      ground.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    }
    addEventListener("pointermove", (event) => this.#move(event), { signal });
    for (const end of ["pointerup", "pointercancel"] as const) {
      addEventListener(end, (event) => this.#up(event), { signal });
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** What is held now. `toWorld` says where on the yard a point of the surface lies, in units. */
  held(own: Body | undefined, toWorld: (x: number, y: number) => { x: number; y: number }, nowMs: number): Input {
    const passed = Math.min(100, nowMs - this.#at) / 1000;
    this.#at = nowMs;
    const key = (one: Key) => (this.#keys.has(one) ? 1 : 0);
    let drive = key("forward") - key("back");
    let turn = key("right") - key("left");
    const thumb = this.#drive;
    if (own !== undefined && thumb !== undefined && Math.hypot(thumb.dx, thumb.dy) > MEANT) {
      const off = between(own.hull, angle(thumb.dx, thumb.dy));
      const back = Math.abs(off) > 350;
      const by = back ? between(own.hull, (angle(thumb.dx, thumb.dy) + CIRCLE / 2) % CIRCLE) : off;
      turn = Math.abs(by) < STRAIGHT ? 0 : Math.sign(by);
      drive = Math.abs(by) > 190 ? 0 : back ? -1 : 1;
    }
    const wheel = (key("aimRight") - key("aimLeft")) * AIM_SPEED * passed;
    const looking = this.#angle ?? own?.turret ?? 0;
    if (wheel !== 0) {
      this.#mouse = undefined;
      this.#angle = (looking + wheel + CIRCLE) % CIRCLE;
    } else if (this.#aim !== undefined && Math.hypot(this.#aim.dx, this.#aim.dy) > MEANT) {
      this.#angle = angle(this.#aim.dx, this.#aim.dy);
    } else if (this.#mouse !== undefined && own !== undefined && !this.touched) {
      const at = toWorld(this.#mouse.x, this.#mouse.y);
      this.#angle = angle(at.x - own.x, at.y - own.y);
    }
    const pushed = this.#aim !== undefined && Math.hypot(this.#aim.dx, this.#aim.dy) > FIRES;
    // A tap fires once: it is held until the gun has fired.
    if (this.#shot && own !== undefined && own.reload > 30) {
      this.#shot = false;
    }
    const fire = this.#keys.has("fire") || this.#mouseFires || pushed || this.#shot;
    return { drive, turn, aim: Math.round(this.#angle ?? looking) % CIRCLE, fire };
  }

  #key(event: KeyboardEvent, down: boolean): void {
    const key = KEYS[event.code];
    // Space presses a button that has the focus.
    const pressing = event.code === "Space" && event.target instanceof HTMLButtonElement;
    if (key === undefined || (down && (pressing || elsewhere(event)))) {
      return;
    }
    if (down) {
      event.preventDefault();
      this.#keys.add(key);
    } else {
      this.#keys.delete(key);
    }
  }

  #down(event: PointerEvent): void {
    if (event.pointerType === "mouse") {
      this.#mouse = { x: event.clientX, y: event.clientY };
      this.#mouseFires ||= event.button === 0;
      return;
    }
    event.preventDefault();
    this.touched = true;
    const box = this.surface.getBoundingClientRect();
    const thumb: Thumb = { id: event.pointerId, x: event.clientX, y: event.clientY, dx: 0, dy: 0 };
    if (event.clientX < box.left + box.width / 2) {
      this.#drive ??= thumb;
    } else if (this.#aim === undefined) {
      this.#aim = thumb;
      this.#shot = true;
    }
  }

  #move(event: PointerEvent): void {
    if (event.pointerType === "mouse") {
      this.#mouse = { x: event.clientX, y: event.clientY };
      this.touched = false;
      return;
    }
    for (const [name, thumb] of [["drive", this.#drive], ["aim", this.#aim]] as const) {
      if (thumb?.id !== event.pointerId) {
        continue;
      }
      const far = Math.hypot(event.clientX - thumb.x, event.clientY - thumb.y);
      const reach = Math.max(REACH_PX, far);
      thumb.dx = (event.clientX - thumb.x) / reach;
      thumb.dy = (event.clientY - thumb.y) / reach;
      if (name === "aim" && Math.hypot(thumb.dx, thumb.dy) > MEANT) {
        this.#shot = false; // it was no tap
      }
      this.#knobs[name].style.translate = `${thumb.dx * 30}px ${thumb.dy * 30}px`;
    }
  }

  #up(event: PointerEvent): void {
    if (event.pointerType === "mouse") {
      this.#mouseFires &&= event.button !== 0;
    } else if (this.#drive?.id === event.pointerId) {
      this.#drive = undefined;
      this.#knobs.drive.style.translate = "";
    } else if (this.#aim?.id === event.pointerId) {
      this.#aim = undefined;
      this.#knobs.aim.style.translate = "";
    }
  }

  #letGo(): void {
    this.#keys.clear();
    this.#mouseFires = this.#shot = false;
    this.#drive = this.#aim = undefined;
  }
}
