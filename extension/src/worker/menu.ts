// The entries of the right mouse button. Firefox for Android has no such menu, and everything works without.

import * as asked from "./asked";
import { api } from "../shared/ext";
import { ready, t } from "../shared/text";

/** Puts the entries there, in the language of today. */
export async function fill(): Promise<void> {
  if (!api.contextMenus) return;
  await ready();
  await api.contextMenus.removeAll();
  const where = ["http://*/*", "https://*/*"];
  api.contextMenus.create({ id: "page", contexts: ["page"], title: t("reportPage"), documentUrlPatterns: where });
  asked.menus(where);
  api.contextMenus.create({ id: "link", contexts: ["link"], title: t("reportLink"), targetUrlPatterns: where });
}
