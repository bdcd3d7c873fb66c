// Where a platform says whom or what something is about, other than in an href: in an attribute that it fills, or in
// words that it has made itself, such as the name at which a mention leads. What people write never counts: nobody
// can put an attribute into a page, and of their words none are read here.

import type { Platform } from "../shared/networks";

interface Writing {
  selector: string;
  /** The address that an element stands for; empty if it says none. */
  read(element: Element): string;
}

const attributes = ["content", "data-href", "data-url", "data-link", "data-lynx-uri", "data-expanded-url"];

/** On all networks: links that a script opens. */
const attributed: Writing = {
  selector: [...attributes.map((name) => `a[${name}]`), '[role="link"][data-href]'].join(),
  read: (element) => {
    for (const name of attributes) {
      const value = element.getAttribute(name)?.trim() ?? "";
      if (/^https?:\/\//i.test(value) && URL.canParse(value)) return new URL(value).href;
      if (name === "content" && /^\+?\d[\d .-]{7,16}$/.test(value)) return `tel:${value.replace(/[^\d+]/g, "")}`;
    }
    return "";
  },
};

const words = (node: Node): string => (node.textContent ?? "").trim();

/** The first piece of text in an element that is all a name. */
function firstName(element: Element, form: RegExp): string {
  const texts = element.ownerDocument.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let i = 0; i < 20 && texts.nextNode(); i++) {
    const text = words(texts.currentNode);
    if (form.test(text)) return text;
  }
  return "";
}

/** By platform, what it writes in words. */
const named: Partial<Record<Platform, Writing>> = {
  // Web A: a mention by user name. One by number has words that whoever wrote it has chosen, and another type.
  telegram: {
    selector: "a.text-entity-link:not([href])",
    read: (element) => {
      const type = element.getAttribute("data-entity-type");
      return (!type || type === "MessageEntityMention") && /^@[a-z]\w{3,31}$/i.test(words(element)) ? `https://t.me/${words(element).slice(1)}` : "";
    },
  },
  // Of a post within another, whose parts are no links. What comes first is the name that the person has chosen.
  x: {
    selector: '[data-testid="User-Name"]',
    read: (element) => {
      if (element.querySelector("a[href]")) return "";
      for (const part of [...element.children].slice(1)) {
        const handle = firstName(part, /^@\w{1,20}$/);
        if (handle) return `https://x.com/${handle.slice(1)}`;
      }
      return "";
    },
  },
  // Who writes in the chat beside a live video.
  youtube: {
    selector: "#author-name",
    read: (element) => {
      for (let around = element.parentElement; around; around = around.parentElement) {
        if (!/^(yt-live-chat|ytd-sponsorships-live-chat)-/.test(around.localName)) continue;
        return /^@[^\s/?#@]{1,100}$/.test(words(element)) ? new URL(`https://www.youtube.com/${words(element)}`).href : "";
      }
      return "";
    },
  },
  // Stories above the feed: the label says whose, and so do the words below the picture.
  instagram: {
    selector: '[role="button"][aria-label], button[aria-label]',
    read: (element) => {
      const label = element.getAttribute("aria-label") ?? "";
      if (label.length > 200 || !element.querySelector("img, canvas") || element.querySelector("a[href]")) return "";
      const handle = firstName(element, /^[a-z0-9._]{2,30}$/);
      return handle && label.split(/[\s,'’]+/).includes(handle) ? `https://www.instagram.com/${handle}/` : "";
    },
  },
};

/** What a network writes other than into an href. */
export class Writings {
  private readonly all: Writing[];
  /** What to look for. */
  readonly selector: string;
  /** Of these the words tell; empty where there are none. */
  readonly worded: string;
  /** Attributes whose change may make another address of it. */
  readonly attributes = attributes;

  constructor(platform: Platform | undefined) {
    const own = platform && named[platform];
    this.all = own ? [attributed, own] : [attributed];
    this.selector = this.all.map(({ selector }) => selector).join();
    this.worded = own?.selector ?? "";
  }

  read(element: Element): string {
    for (const { selector, read } of this.all) {
      const found = element.matches(selector) && read(element);
      if (found) return found;
    }
    return "";
  }
}
