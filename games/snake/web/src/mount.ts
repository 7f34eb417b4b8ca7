import type { GameSession, Mounted } from "@bellhop/page/game-api";

export function mount(root: HTMLElement, session: GameSession): Mounted {
  const state = document.createElement("pre");
  root.append(state);
  const stop = session.listen(() => {
    state.textContent = JSON.stringify(session.view(performance.now()), undefined, 1);
  });
  return {
    unmount() {
      stop();
      state.remove();
    },
  };
}
