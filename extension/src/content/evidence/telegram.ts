// Telegram: the pages of t.me name the account to the app. Their title has the handle, the head what the account calls
// itself.

import { networkOf } from "../../shared/networks";
import { head, says, type Reader } from "./document";

export const telegram: Reader = (page, address) => (networkOf(address.hostname)?.platform === "telegram" ? [head(page)] : []);

/** What an account calls itself; empty if the page does not say. */
export const called = (page: Document, address: URL): string => (networkOf(address.hostname)?.platform === "telegram" ? says(page, "og:title") : "");
