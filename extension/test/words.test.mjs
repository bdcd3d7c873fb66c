// How many there are of something is said in the plural form of the reader's language, for every number.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { top } from "./fixture/khien.mjs";
import { languages } from "./fixture/languages.mjs";

const build = ["run", "github.com/evanw/esbuild/cmd/esbuild", "extension/src/shared/text.ts", "--bundle", "--format=esm", "--define:KHIEN_LANGUAGES={}"];
const { stdout } = await promisify(execFile)("go", build, { cwd: top });

const messages = (language) => JSON.parse(readFileSync(new URL(`../../shared/texts/${language}/extension.json`, import.meta.url), "utf8"));
let spoken;
// The browser, which says nothing where a message is missing.
globalThis.chrome = {
  runtime: { getManifest: () => ({}) },
  i18n: {
    getMessage(name, values = []) {
      const { message = "", placeholders = {} } = spoken[name] ?? {};
      return message.replace(/\$(\w+)\$/g, (_, place) => values[Number(placeholders[place.toLowerCase()].content.slice(1)) - 1]);
    },
  },
};

/** The words of the extension in a language: in a module of its own, which remembers nothing of another. */
async function words(language) {
  spoken = messages(language);
  return await import(`data:text/javascript,${encodeURIComponent(`/* ${language} */${stdout}`)}`);
}

async function says(language, key, ...counts) {
  const { counted } = await words(language);
  return counts.map((count) => counted(key, count).replaceAll("\u00a0", " "));
}

test("each language says it in its own form", async () => {
  assert.deepEqual(await says("en", "optionsKept", 1, 2, 5, 1234), ["1 name is kept now.", "2 names are kept now.", "5 names are kept now.", "1,234 names are kept now."]);
  assert.deepEqual(await says("vi", "optionsKept", 1, 2, 1234), ["Hiện đang giữ 1 tên.", "Hiện đang giữ 2 tên.", "Hiện đang giữ 1.234 tên."]);
  assert.deepEqual(await says("pl", "optionsKept", 1, 2, 5, 12, 22, 25, 112), [
    "Zapamiętano 1 nazwę.", "Zapamiętano 2 nazwy.", "Zapamiętano 5 nazw.", "Zapamiętano 12 nazw.", "Zapamiętano 22 nazwy.", "Zapamiętano 25 nazw.", "Zapamiętano 112 nazw.",
  ]);
});

test("what stands behind the number has its place in every form", async () => {
  for (const language of languages()) {
    const { counted } = await words(language);
    for (const count of [0, 1, 2, 5, 1000000]) {
      const said = counted("list", count, "AGE", "SEQUENCE");
      assert.match(said, /\d.*AGE.*SEQUENCE/, `${language}: ${said}`);
    }
  }
});
