/** What flashes: muzzles, hits, wrecks; and shells of others, which begin at a muzzle though they are ahead of it. */
import { colour } from "./looks.ts";
import { radians, type Shell, UNIT, type View } from "./view.ts";

/** In this time a shell of another comes to where it is. */
const CATCH_UP_MS = 160;
const FLASH_MS = 220;
const WRECK_MS = 700;

interface Flash {
  at: number;
  x: number;
  y: number;
  seat: number;
  wreck: boolean;
}

interface Known {
  shell: Shell;
  since: number;
  /** From the shell to the muzzle, when it was first seen. */
  dx: number;
  dy: number;
}

export class Sparks {
  #known = new Map<string, Known>();
  #flashes: Flash[] = [];
  #places = new Map<number, { x: number; y: number; lives: number }>();

  /** The shells as they are shown; remembers what came and went. */
  follow(view: View, you: number, nowMs: number): { shell: Shell; dx: number; dy: number }[] {
    const before = this.#known;
    this.#known = new Map();
    const shown = view.shells.map((shell) => {
      const name = `${shell.seat} ${shell.shot}`;
      const known = before.get(name) ?? this.#first(shell, view, you, nowMs);
      before.delete(name);
      this.#known.set(name, { ...known, shell });
      const left = Math.max(0, 1 - (nowMs - known.since) / CATCH_UP_MS);
      return { shell, dx: known.dx * left, dy: known.dy * left };
    });
    for (const { shell } of before.values()) {
      this.#flashes.push({ at: nowMs, x: shell.x / UNIT, y: shell.y / UNIT, seat: shell.seat, wreck: false });
    }
    for (const tank of view.tanks) {
      const place = this.#places.get(tank.seat);
      if (place !== undefined && place.lives > 0 && tank.lives === 0) {
        this.#flashes.push({ at: nowMs, x: place.x, y: place.y, seat: tank.seat, wreck: true });
      }
      this.#places.set(tank.seat, { x: tank.body.x / UNIT, y: tank.body.y / UNIT, lives: tank.lives });
    }
    this.#flashes = this.#flashes.filter((flash) => nowMs - flash.at < WRECK_MS);
    return shown;
  }

  #first(shell: Shell, view: View, you: number, nowMs: number): Known {
    const body = view.tanks.find((tank) => tank.seat === shell.seat)?.body;
    if (body === undefined) {
      return { shell, since: nowMs, dx: 0, dy: 0 };
    }
    const muzzle = { x: body.x / UNIT + Math.cos(radians(body.turret)) * 30, y: body.y / UNIT + Math.sin(radians(body.turret)) * 30 };
    const [dx, dy] = [muzzle.x - shell.x / UNIT, muzzle.y - shell.y / UNIT];
    this.#flashes.push({ at: nowMs, ...muzzle, seat: shell.seat, wreck: false });
    // Who comes late finds shells far from their guns.
    const near = shell.seat !== you && Math.hypot(dx, dy) < 240;
    return { shell, since: nowMs, dx: near ? dx : 0, dy: near ? dy : 0 };
  }

  draw(pen: CanvasRenderingContext2D, nowMs: number, dark: boolean, still: boolean): void {
    const full = pen.globalAlpha;
    for (const flash of this.#flashes) {
      const part = (nowMs - flash.at) / (flash.wreck ? WRECK_MS : FLASH_MS);
      if (part >= 1) {
        continue;
      }
      pen.globalAlpha = full * (still ? 0.8 : 1 - part);
      pen.strokeStyle = flash.wreck ? colour(flash.seat, dark) : dark ? "#eabf6b" : "#824600";
      pen.lineWidth = flash.wreck ? 6 : 3;
      const reach = still ? (flash.wreck ? 34 : 8) : flash.wreck ? 14 + part * 52 : 4 + part * 12;
      pen.beginPath();
      pen.arc(flash.x, flash.y, reach, 0, 7);
      pen.stroke();
      if (flash.wreck) {
        pen.beginPath();
        for (let ray = 0; ray < 8; ray += 1) {
          const way = (ray / 8) * 2 * Math.PI + 0.3;
          pen.moveTo(flash.x + Math.cos(way) * reach * 0.5, flash.y + Math.sin(way) * reach * 0.5);
          pen.lineTo(flash.x + Math.cos(way) * reach * 0.85, flash.y + Math.sin(way) * reach * 0.85);
        }
        pen.stroke();
      }
    }
    pen.globalAlpha = full;
  }
}
