/** What the page imports. */
export { mount } from "./mount.ts";

/** Nobody wins: the picture is the result. */
export const together = true;
