/** A game's settings in a few words, as far as they differ from nothing to say. */

export function settings(game: string, configJson: string): string {
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(configJson || "{}") as Record<string, unknown>;
  } catch {
    return "";
  }
  switch (game) {
    case "snake":
      return typeof config["width"] === "number" && typeof config["height"] === "number"
        ? `${config["width"]} × ${config["height"]}`
        : "";
    case "tanks":
      return typeof config["seconds"] === "number" ? `${Math.round(config["seconds"] / 6) / 10} min` : "";
    case "tictactoe": {
      const clock = config["clock_seconds"] ?? (typeof config["clock_ms"] === "number" ? config["clock_ms"] / 1000 : undefined);
      return typeof clock === "number" ? `${clock} s` : "";
    }
    case "sketch":
      return typeof config["prompt_seconds"] === "number" ? `${config["prompt_seconds"]} s` : "";
    default:
      return "";
  }
}
