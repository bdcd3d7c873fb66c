// Who presses a button of ours: a person, or a script of the page around it.

let isRelayed = false;

/** Whether a person has done it. A page can click on our buttons as little as it can type into them. */
export const isPersons = (event: Event): boolean => event.isTrusted || isRelayed;

/** Presses a button for a person whose press was kept from the page. Whether what follows by itself may follow. */
export function press(button: Element): boolean {
  isRelayed = true;
  try {
    return button.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  } finally {
    isRelayed = false;
  }
}
