// What pages of the extension may ask about late warnings.

import { showHealth } from "./guard";
import type { FromLate, Handlers } from "../shared/message";
import * as met from "./met";

export const fromLate: Handlers<FromLate> = {
  "late.news": met.news,
  async "late.saw"() {
    await met.saw();
    await showHealth();
    return null;
  },
  async "late.dismiss"({ id }) {
    await met.dismiss(id);
    await showHealth();
    return null;
  },
  "late.kept": met.kept,
  async "late.clear"() {
    await met.clear();
    await showHealth();
    return null;
  },
};
