// A picture of the page may go along with a report, if the person takes one.

import { api } from "../shared/ext";
import { ask } from "../shared/message";
import { element } from "../shared/page";
import { t } from "../shared/text";

/** Lets a button take a picture of the page for the report that there is then. */
export function offerPicture(report: () => string | undefined): void {
  const button = element<HTMLButtonElement>("add-picture");
  button.addEventListener("click", async () => {
    const id = report();
    // Of the page in front: telephones know no windows, but their tabs are in one.
    const [tab] = await api.tabs.query({ active: true, currentWindow: true });
    if (!id || !tab) return;
    button.disabled = true;
    const taken = await ask("picture.take", { id, windowId: tab.windowId }).catch(() => false);
    if (taken) window.close();
    else button.textContent = t("pictureFailed");
  });
}
