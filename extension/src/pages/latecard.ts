// In the popup: that there is a late warning, and the way to it.

import { api, own } from "../shared/ext";
import { ask } from "../shared/message";
import { element } from "../shared/page";

/** Shows the card while there is something that was not read. */
export async function showLate(): Promise<void> {
  const news = await ask("late.news", null).catch(() => []);
  element("late").hidden = news.length === 0;
  element("late-see").addEventListener("click", () => {
    void api.tabs.create({ url: own("late.html") }).then(() => window.close());
  });
}
