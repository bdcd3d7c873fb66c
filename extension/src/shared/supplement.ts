// What travels signed beside the list; shared/supplement/body.go is the same in Go, with the bounds.

/** A text in one language. */
export interface Text {
  lang: string;
  text: string;
}

/** What travels signed beside the set; null stands for what is empty. */
export interface Body {
  help: Help[] | null;
  cards: Card[] | null;
  /** Hosts that were listed last, the newest first. */
  hot: string[] | null;
  /** When that list was made, in Unix seconds. */
  hot_at: number;
}

/**
 * What a person may need help with: money is gone; a password, a code or papers are known to others; something was
 * installed.
 */
export type Harm = "paid" | "data" | "installed";

/** For the people of one country. */
export interface Help {
  /** Such as "VN"; empty for all that have none of their own. */
  country: string;
  /** When the hotlines were looked up, such as "2026-11-24". */
  checked: string;
  steps: Instruction[] | null;
  hotlines: Hotline[] | null;
}

/** One thing to do, in the order of the list. */
export interface Instruction {
  case: Harm;
  text: Text[] | null;
}

/** Who can help. */
export interface Hotline {
  kind: "phone" | "sms" | "web";
  /** A number as it is dialled in that country, or an https address. */
  value: string;
  name: Text[] | null;
  what: Text[] | null;
  /** Empty for all. */
  cases: Harm[] | null;
  source: string;
}

/** A piece of advice, for those who read one of the languages of its title. */
export interface Card {
  id: string;
  title: Text[] | null;
  text: Text[] | null;
  /** PNG or JPEG, or empty. */
  picture: Uint8Array;
  /** What the picture shows. */
  alt: Text[] | null;
  /** https, or empty. */
  link: string;
  /** Slugs; empty for none in particular. */
  categories: string[] | null;
  /** Such as "facebook"; empty for everywhere. */
  platforms: string[] | null;
  /** Unix seconds; 0 is always. */
  from: number;
  /** Unix seconds, exclusive; 0 is for ever. */
  to: number;
}
