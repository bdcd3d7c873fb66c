// Reads the QR code in a picture, on the device. The browser decodes the picture, a library the code.

import { decodeQR } from "qr/decode.js";

/** A part of a picture, in its pixels. */
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Bounds on what is looked at: bytes of the file, pixels of the picture, the longer side after scaling, and time. */
const maxBytes = 16 << 20;
const maxPixels = 64 << 20;
const maxSide = 1600;
const maxTime = 1000;

/** The text of the QR code in a picture, or in a part of it; undefined if none can be read. */
export async function readCode(picture: Blob, part?: (width: number, height: number) => Area): Promise<string | undefined> {
  if (picture.size === 0 || picture.size > maxBytes) return undefined;
  const bitmap = await createImageBitmap(picture).catch(() => undefined);
  if (!bitmap) return undefined;
  try {
    if (bitmap.width * bitmap.height > maxPixels) return undefined;
    const whole = { x: 0, y: 0, width: bitmap.width, height: bitmap.height };
    const { x, y, width, height } = clipped(part?.(bitmap.width, bitmap.height) ?? whole, whole);
    if (width < 1 || height < 1) return undefined;
    const scale = Math.min(1, maxSide / Math.max(width, height));
    // A code needs a quiet edge, which a picture that was cut to the code does not have (ISO/IEC 18004, 5.3.8).
    const edge = 16;
    const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    const canvas = new OffscreenCanvas(w + 2 * edge, h + 2 * edge);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return undefined;
    context.fillStyle = "#ffffff"; // behind a code with a transparent ground
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, x, y, width, height, edge, edge, w, h);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return decodeQR({ width: canvas.width, height: canvas.height, data }, { effort: Infinity, timeLimit: maxTime });
  } catch {
    return undefined;
  } finally {
    bitmap.close();
  }
}

function clipped(area: Area, within: Area): Area {
  const x = Math.max(area.x, within.x);
  const y = Math.max(area.y, within.y);
  return { x, y, width: Math.min(area.x + area.width, within.width) - x, height: Math.min(area.y + area.height, within.height) - y };
}

/**
 * The picture in a data URL; undefined for anything else. Not by fetch, which the policy of our pages keeps to the
 * server.
 */
export function pictureIn(url: string): Blob | undefined {
  const match = /^data:(image\/[a-z+.-]+);base64,/.exec(url);
  if (!match?.[1] || url.length > maxBytes * 1.4) return undefined;
  try {
    return new Blob([Uint8Array.from(atob(url.slice(match[0].length)), (c) => c.charCodeAt(0))], { type: match[1] });
  } catch {
    return undefined;
  }
}
