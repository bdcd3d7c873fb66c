// A picture for a report, before it goes: it can be cut to what matters and made unreadable in places, with the mouse
// or by keys alone. What is cut off or covered is not in what is sent, and nothing is sent before the person says so.

import { approve, draft, drop, maxBytes, maxPixels } from "../shared/pictures";
import { ask } from "../shared/message";
import { element, h } from "../shared/page";
import { localize, t } from "../shared/text";

/** In pixels of the picture. */
interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What was done to the picture. */
interface Edit {
  crop: Box;
  covers: Box[];
}

const canvas = element<HTMLCanvasElement>("picture");
const stage = element("stage");
const handles = element("handles");
const status = element("status");
const id = location.hash.slice(1);

let image: ImageBitmap;
let edit: Edit;
const past: Edit[] = [];

const smallest = 24;

async function start(): Promise<void> {
  await localize(document);
  document.title = `${t("name")}: ${t("pictureTitle")}`;
  const body = /^[0-9a-f]{32}$/.test(id) ? await draft(id).catch(() => undefined) : undefined;
  if (!body) return end(t("pictureGone"));
  image = await createImageBitmap(new Blob([body]));
  edit = { crop: { x: 0, y: 0, width: image.width, height: image.height }, covers: [] };
  canvas.width = image.width;
  canvas.height = image.height;
  element("editor").hidden = false;
  draw();
}

/** Nothing more can be done here. */
function end(words: string): void {
  element("editor").hidden = true;
  status.textContent = words;
}

function change(next: Edit): void {
  past.push(edit);
  edit = next;
  draw();
}

/** Colours of a few cells in place of what was there: no letter can be guessed from them. */
function cover(to: CanvasRenderingContext2D, box: Box, source: CanvasImageSource): void {
  const cell = Math.max(32, Math.min(box.width, box.height) / 2);
  const small = new OffscreenCanvas(Math.max(1, Math.round(box.width / cell)), Math.max(1, Math.round(box.height / cell)));
  const context = small.getContext("2d");
  if (!context) return;
  context.imageSmoothingQuality = "high";
  context.drawImage(source, box.x, box.y, box.width, box.height, 0, 0, small.width, small.height);
  to.imageSmoothingEnabled = true;
  to.drawImage(small, box.x, box.y, box.width, box.height);
  to.fillStyle = "rgb(128 128 128 / 35%)";
  to.fillRect(box.x, box.y, box.width, box.height);
}

function draw(): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.drawImage(image, 0, 0);
  for (const box of edit.covers) cover(context, box, image);
  const { x, y, width, height } = edit.crop;
  context.fillStyle = "rgb(0 0 0 / 60%)";
  context.fillRect(0, 0, canvas.width, y);
  context.fillRect(0, y + height, canvas.width, canvas.height - y - height);
  context.fillRect(0, y, x, height);
  context.fillRect(x + width, y, canvas.width - x - width, height);
  element<HTMLButtonElement>("undo").disabled = past.length === 0;
  place();
}

type Side = "left" | "right" | "top" | "bottom";

/** The crop with one of its sides elsewhere. */
function moved({ x, y, width, height }: Box, side: Side, to: number): Box {
  const [right, bottom] = [x + width, y + height];
  const within = (low: number, high: number) => Math.round(Math.min(Math.max(to, low), high));
  if (side === "left") return { x: within(0, right - smallest), y, width: right - within(0, right - smallest), height };
  if (side === "right") return { x, y, width: within(x + smallest, canvas.width) - x, height };
  if (side === "top") return { x, y: within(0, bottom - smallest), width, height: bottom - within(0, bottom - smallest) };
  return { x, y, width, height: within(y + smallest, canvas.height) - y };
}

const at = ({ x, y, width, height }: Box, side: Side): number => ({ left: x, right: x + width, top: y, bottom: y + height })[side];

const sideWords = { left: "pictureLeft", right: "pictureRight", top: "pictureTop", bottom: "pictureBottom" } as const;

/** Makes what can be taken hold of: the sides of the crop, and each covered box. */
function place(): void {
  const held = (document.activeElement as HTMLElement | null)?.dataset["name"];
  const percent = (part: number, whole: number) => `${(100 * part) / whole}%`;
  const nodes = (Object.keys(sideWords) as Side[]).map((side) => {
    const flat = side === "top" || side === "bottom";
    const node = h("button", { type: "button", className: `side ${flat ? "flat" : "tall"}` });
    node.setAttribute("role", "slider");
    node.setAttribute("aria-label", t(sideWords[side]));
    node.setAttribute("aria-valuemin", "0");
    node.setAttribute("aria-valuemax", String(flat ? canvas.height : canvas.width));
    node.setAttribute("aria-valuenow", String(Math.round(at(edit.crop, side))));
    node.setAttribute("aria-orientation", flat ? "vertical" : "horizontal");
    node.dataset["name"] = side;
    const { x, y, width, height } = edit.crop;
    node.style.left = percent(flat ? x + width / 2 : at(edit.crop, side), canvas.width);
    node.style.top = percent(flat ? at(edit.crop, side) : y + height / 2, canvas.height);
    node.addEventListener("keydown", (event) => {
      const step = (event.shiftKey ? 50 : 10) * ({ ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key] ?? 0);
      if (step === 0) return;
      event.preventDefault();
      change({ ...edit, crop: moved(edit.crop, side, at(edit.crop, side) + step) });
    });
    drag(node, (x, y, from) => ({ ...from, crop: moved(from.crop, side, flat ? y : x) }));
    return node;
  });
  edit.covers.forEach((box, i) => {
    const node = h("button", { type: "button", className: "cover" });
    node.setAttribute("aria-label", t("pictureCovered", String(i + 1)));
    node.dataset["name"] = `cover ${i}`;
    node.style.left = percent(box.x, canvas.width);
    node.style.top = percent(box.y, canvas.height);
    node.style.width = percent(box.width, canvas.width);
    node.style.height = percent(box.height, canvas.height);
    node.addEventListener("keydown", (event) => void key(event, i));
    drag(node, (x, y, from, start) => replaced(from, i, { x: x - start.x, y: y - start.y, width: 0, height: 0 }));
    nodes.push(node);
  });
  handles.replaceChildren(...nodes);
  if (held) handles.querySelector<HTMLElement>(`[data-name="${held}"]`)?.focus();
}

/** The edit with one covered box moved or made larger by some pixels, within the picture. */
function replaced(from: Edit, i: number, by: Box): Edit {
  const covers = from.covers.map((box, n) => {
    if (n !== i) return box;
    const width = Math.min(Math.max(box.width + by.width, smallest), canvas.width);
    const height = Math.min(Math.max(box.height + by.height, smallest), canvas.height);
    const x = Math.min(Math.max(box.x + by.x, 0), canvas.width - width);
    const y = Math.min(Math.max(box.y + by.y, 0), canvas.height - height);
    return { x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
  });
  return { ...from, covers };
}

function key(event: KeyboardEvent, i: number): void {
  if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    change({ ...edit, covers: edit.covers.filter((_, n) => n !== i) });
    element("cover").focus();
    return;
  }
  const arrows: Record<string, [number, number]> = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };
  const [dx, dy] = arrows[event.key] ?? [0, 0];
  if (dx === 0 && dy === 0) return;
  event.preventDefault();
  change(replaced(edit, i, event.shiftKey ? { x: 0, y: 0, width: dx, height: dy } : { x: dx, y: dy, width: 0, height: 0 }));
}

/** Where a pointer is, in pixels of the picture. */
function spot(event: PointerEvent): { x: number; y: number } {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return { x: ((event.clientX - left) * canvas.width) / width, y: ((event.clientY - top) * canvas.height) / height };
}

/** Follows a pointer from where it is pressed to where it is let go: one change, that one undo takes back. */
function drag(node: HTMLElement, next: (x: number, y: number, from: Edit, start: { x: number; y: number }) => Edit): void {
  node.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    follow(event, next);
  });
}

function follow(event: PointerEvent, next: (x: number, y: number, from: Edit, start: { x: number; y: number }) => Edit): void {
  if (event.button !== 0) return;
  const [from, start] = [edit, spot(event)];
  let pressed = true;
  const move = (event: PointerEvent) => {
    const { x, y } = spot(event);
    if (!pressed) return;
    edit = next(x, y, from, start);
    draw();
  };
  const stop = () => {
    pressed = false;
    removeEventListener("pointermove", move);
    if (edit !== from) past.push(from);
    draw();
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", stop, { once: true });
  addEventListener("pointercancel", stop, { once: true });
}

// On the picture itself a pointer draws a box to be covered.
stage.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  follow(event, (x, y, from, start) => {
    const [left, top] = [Math.max(Math.min(x, start.x), 0), Math.max(Math.min(y, start.y), 0)];
    const [right, bottom] = [Math.min(Math.max(x, start.x), canvas.width), Math.min(Math.max(y, start.y), canvas.height)];
    if (right - left < 8 || bottom - top < 8) return from;
    const box = { x: Math.round(left), y: Math.round(top), width: Math.round(right - left), height: Math.round(bottom - top) };
    return { ...from, covers: [...from.covers, box] };
  });
});

element("cover").addEventListener("click", () => {
  const { x, y, width, height } = edit.crop;
  const box = { x: Math.round(x + width / 3), y: Math.round(y + height / 3), width: Math.round(width / 3), height: Math.round(height / 6) };
  change({ ...edit, covers: [...edit.covers, box] });
  handles.querySelector<HTMLElement>(`[data-name="cover ${edit.covers.length - 1}"]`)?.focus();
});

function undo(): void {
  const before = past.pop();
  if (!before) return;
  edit = before;
  draw();
}
element("undo").addEventListener("click", undo);
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) undo();
});

/** What would be sent: the crop with its covers, as a JPEG within the bounds of the server. */
async function finished(): Promise<Uint8Array<ArrayBuffer>> {
  const { x, y, width, height } = edit.crop;
  const whole = new OffscreenCanvas(image.width, image.height).getContext("2d") as unknown as CanvasRenderingContext2D;
  whole.drawImage(image, 0, 0);
  for (const box of edit.covers) cover(whole, box, image);
  for (let scale = Math.min(1, Math.sqrt(maxPixels / (width * height))); ; scale *= 0.8) {
    const out = new OffscreenCanvas(Math.max(1, Math.floor(width * scale)), Math.max(1, Math.floor(height * scale)));
    out.getContext("2d")?.drawImage(whole.canvas, x, y, width, height, 0, 0, out.width, out.height);
    const body = new Uint8Array(await (await out.convertToBlob({ type: "image/jpeg", quality: 0.85 })).arrayBuffer());
    if (body.length <= maxBytes) return body;
  }
}

const send = element<HTMLButtonElement>("send");
send.addEventListener("click", async () => {
  send.disabled = true;
  try {
    await approve(id, await finished());
    end(t("pictureSent"));
    await ask("picture.go", null);
  } catch {
    send.disabled = false;
    status.textContent = t("pictureFailed");
  }
});

element("discard").addEventListener("click", async () => {
  await drop(id);
  end(t("pictureDropped"));
});

void start();
