import { expect } from "chai";

import { de } from "../../dashboard/languages/de.ts";
import { en } from "../../dashboard/languages/en.ts";
import { es } from "../../dashboard/languages/es.ts";

describe("the languages of the page", () => {
  for (const [language, texts] of Object.entries({ de, es })) {
    it(`say in ${language} all that English says, with the same values`, () => {
      expect(Object.keys(texts)).to.deep.equal(Object.keys(en));
      const values = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([value]) => value).sort();
      for (const [key, text] of Object.entries(en)) {
        const own = texts[key as keyof typeof en];
        expect(values(own), key).to.deep.equal(values(text));
        expect(own, key).to.not.equal("");
      }
    });
  }
});
