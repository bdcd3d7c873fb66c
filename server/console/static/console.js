// Keys and passkeys. Everything else works without scripts.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- passkeys ---

async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { Accept: "application/json", ...(body instanceof URLSearchParams ? {} : { "Content-Type": "application/json" }) }, body });
  const read = await answer.json();
  if (!answer.ok) throw new Error(read.problem);
  return read;
}

/** Says how a ceremony goes, in the words that the page brought. */
function teller(root) {
  const state = $("[data-state]", root);
  return (name, text) => {
    state.textContent = text ?? state.dataset[name] ?? "";
    state.classList.toggle("warn", name === "refused" || name === "taken" || name === "none");
  };
}

const able = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON && navigator.credentials);

function refused(tell, err) {
  if (err instanceof DOMException && err.name === "InvalidStateError") {
    tell("taken");
    return;
  }
  // What the browser says is for programmers; what the server says is for people.
  tell("refused", err instanceof DOMException || err instanceof TypeError || err instanceof SyntaxError ? undefined : err.message || undefined);
}

for (const button of $$("[data-passkey]")) {
  const tell = teller(button.closest("section"));
  button.disabled = !able;
  if (!able) tell("none");
  button.addEventListener("click", async () => {
    button.disabled = true;
    tell("waiting");
    try {
      const path = button.dataset.passkey;
      const options = await ask(path + "/begin", "{}");
      const made =
        "make" in button.dataset
          ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
          : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      const { next } = await ask(path + "/finish?next=" + encodeURIComponent(button.dataset.next ?? "/"), JSON.stringify(made.toJSON()));
      location.assign(next);
    } catch (err) {
      refused(tell, err);
      button.disabled = false;
      button.focus();
    }
  });
}

for (const form of $$("form[data-confirm]")) {
  const tell = teller(form);
  const button = $("button.primary", form);
  button.disabled = !able;
  if (!able) tell("none");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    tell("waiting");
    try {
      const options = await ask("/confirm/begin", new URLSearchParams({ digest: form.elements.digest.value }));
      const made = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.assertion.value = JSON.stringify(made.toJSON());
      tell("working");
      form.submit();
    } catch (err) {
      refused(tell, err);
      button.disabled = false;
      button.focus();
    }
  });
}

// --- keys ---

for (const opener of $$("[data-open]")) {
  const dialog = document.getElementById(opener.dataset.open);
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
}

const line = $("[data-line]");
const entries = line ? $$("a.entry", line) : [];

function move(step) {
  const at = entries.indexOf(document.activeElement?.closest("li")?.querySelector("a.entry"));
  const to = entries[at < 0 ? (step > 0 ? 0 : entries.length - 1) : Math.min(entries.length - 1, Math.max(0, at + step))];
  to?.focus();
  to?.scrollIntoView({ block: "nearest" });
}

const writes = (element) => element?.matches?.("input:not([type=checkbox],[type=radio],[type=hidden]), textarea, select") ?? false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && writes(document.activeElement)) {
    document.activeElement.blur();
    return;
  }
  if (writes(event.target) || document.documentElement.dataset.keys === "off" || $("dialog[open]")) return;
  switch (event.key) {
    case "j":
    case "ArrowDown":
    case "k":
    case "ArrowUp":
      if (entries.length === 0) return;
      move(event.key === "j" || event.key === "ArrowDown" ? 1 : -1);
      break;
    case "o":
      if (!document.activeElement?.matches("a.entry")) return;
      document.activeElement.click();
      break;
    case "x": {
      const box = document.activeElement?.closest("li")?.querySelector("input[type=checkbox]");
      if (!box || box === document.activeElement) return;
      box.click();
      break;
    }
    default: {
      const target = $(`[data-key="${CSS.escape(event.key)}"]`);
      if (!target || target.closest("[hidden]")) return;
      event.preventDefault();
      if (target.matches("details")) {
        target.open = true;
        $("[data-first]", target)?.focus({ preventScroll: true });
        target.scrollIntoView({ block: "nearest" });
      } else if (writes(target)) {
        target.focus();
        target.select?.();
      } else target.click();
      return;
    }
  }
  event.preventDefault();
});

// --- the queue: what is selected ---

const bar = $("[data-bar]");
if (bar) {
  const boxes = $$("[data-line] input[type=checkbox]");
  const says = $("[data-selected]", bar);
  const all = $("[data-all]", bar);
  const usual = says.textContent;
  const tell = () => {
    const n = boxes.filter((box) => box.checked).length;
    says.textContent = n > 0 ? `${n} ${says.dataset.words}` : usual;
  };
  all.hidden = boxes.length === 0;
  all.addEventListener("click", () => {
    const every = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !every;
    tell();
  });
  for (const box of boxes) box.addEventListener("change", tell);
  tell();
}

// --- a case: how many of its subjects are ticked ---

for (const field of $$("[data-ticks]")) {
  const says = $("[data-ticked]", field);
  field.addEventListener("change", () => {
    says.textContent = $$("input[type=checkbox]:checked", field).length;
  });
}

// --- a case: the reason of another kind of scam, where nobody has written one ---

for (const kind of $$("select[data-drafts]")) {
  let before = kind.selectedOptions[0];
  kind.addEventListener("change", () => {
    const now = kind.selectedOptions[0];
    for (const lang of Object.keys(now.dataset)) {
      const text = kind.form.elements[`reason_${lang}`];
      if (text.value.trim() === "" || text.value.trim() === before.dataset[lang]) text.value = now.dataset[lang];
    }
    before = now;
  });
}

for (const field of $$("[data-copy]")) {
  field.addEventListener("focus", () => field.select());
  if (field.autofocus) field.select();
}
