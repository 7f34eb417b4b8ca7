import "./styles/base.css";
import "./styles/home.css";
import "./styles/waiting.css";
import "./styles/match.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { startLanguage } from "./i18n/index.ts";
import { start } from "./store.ts";

const root = document.getElementById("app");
if (root === null) {
  throw new Error("index.html has no #app");
}
start();
void startLanguage().then(() => render(<App />, root));
