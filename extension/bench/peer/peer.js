// The floor under every figure of bench/pages.mjs: leads from an address to a page without asking anybody anything.
chrome.webNavigation.onBeforeNavigate.addListener(
  ({ tabId, frameId }) => {
    if (frameId === 0) void chrome.tabs.update(tabId, { url: chrome.runtime.getURL("empty.html") });
  },
  { url: [{ hostEquals: "listed-by-the-peer.example" }] },
);
