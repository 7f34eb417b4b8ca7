/** What the page imports. */
export { mount } from "./mount.ts";
