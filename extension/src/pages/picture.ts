// A picture of a QR code in the popup: pasted, dropped or chosen, and read on the device.

import { openWindow, privatePage } from "../shared/ext";
import { quoted } from "../shared/page";
import { ready, t } from "../shared/text";

/** Takes pictures, and gives what their code says to found. */
export function takePictures(found: (text: string) => void): void {
  const button = document.getElementById("picture") as HTMLButtonElement;
  const chooser = document.getElementById("picture-file") as HTMLInputElement;
  const status = document.getElementById("picture-status") as HTMLElement;

  const read = async (picture: Blob | null | undefined) => {
    if (!picture) return;
    status.textContent = "";
    // The decoder stays in a file of its own (onDemand in scripts/bundle): most popups open for no picture.
    const { readCode } = await import("../shared/qr.js");
    const text = await readCode(picture);
    status.replaceChildren(...(text === undefined ? [`${t("pictureNone")}. ${t("pictureTryAgain")}`] : [`${t("pictureSays")} `, quoted(text)]));
    if (text !== undefined) found(text.slice(0, 1000));
  };
  const first = (data: DataTransfer | null) => [...(data?.files ?? [])].find((file) => file.type.startsWith("image/"));

  document.addEventListener("paste", (event) => {
    const picture = first(event.clipboardData);
    if (!picture) return;
    event.preventDefault();
    void read(picture);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    void read(first(event.dataTransfer));
  });
  button.addEventListener("click", () => {
    // The popup of the toolbar button closes when the browser asks for a file; a window does not.
    if (location.hash) chooser.click();
    else void openWindow("popup.html#picture", privatePage).then(() => window.close());
  });
  chooser.addEventListener("change", () => {
    void read(chooser.files?.[0]);
    chooser.value = "";
  });
  if (location.hash === "#picture") {
    button.focus();
    void ready().then(() => (status.textContent = t("pictureHere")));
  }
}
