import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { escapeXml } from "./escape.ts";
import { MalformedXml, parseXml } from "./parse.ts";

test("parseXml() reads elements, attributes, text, entities, CDATA and comments, without prefixes", () => {
  const root = parseXml(
    `\uFEFF<?xml version="1.0"?><!-- one --><s3:A xmlns:s3="urn:x" xsi:type='T&quot;'>a&amp;b<!-- two --><![CDATA[<c>]]>&#x41;&#66;<B/><s3:B >\r\n</s3:B></s3:A> <!-- three -->`,
  );
  assert.equal(root.name, "A");
  assert.equal(root.text, "a&b<c>AB");
  assert.deepEqual({ ...root.attributes }, { "xmlns:s3": "urn:x", "xsi:type": 'T"' });
  assert.deepEqual(
    root.children.map(({ name, text }) => [name, text]),
    [
      ["B", ""],
      ["B", "\n"],
    ],
  );
});

test("parseXml() refuses what is not well-formed, what has entities of its own, and what is too much", () => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>`;
  const deep = "<a>".repeat(limits.xmlDepthMax + 2) + "</a>".repeat(limits.xmlDepthMax + 2);
  const wide = `<a>${"<b/>".repeat(limits.xmlElementsMax + 1)}</a>`;
  for (const text of [
    "",
    "a",
    "<",
    "<a",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a/>x",
    "<a b></a>",
    "<a b=c/>",
    "<a b='1' b='2'/>",
    "<1/>",
    "<a>&x;</a>",
    "<a>&amp</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>\u0000</a>",
    "<a b='<'/>",
    "<a><![CDATA[</a>",
    "<a><!-- </a>",
    "<a><!DOCTYPE b></a>",
    "</a>",
    "<a/ >",
    bomb,
    deep,
    wide,
  ])
    assert.throws(() => parseXml(text), MalformedXml, text.slice(0, 40));
});

test("parseXml() ends within a moment whatever it is given, and throws nothing else than MalformedXml", () => {
  const piece = fc.constantFrom(
    "<",
    ">",
    "/",
    "a",
    "&",
    ";",
    "'",
    '"',
    "=",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "<a>",
    "</a>",
    " ",
    "#x",
    "1",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      try {
        parseXml(pieces.join(""));
      } catch (thrown) {
        assert.ok(thrown instanceof MalformedXml, String(thrown));
      }
    }),
    { numRuns: 3000 },
  );
});

test("escapeXml() writes text that parseXml() reads back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      // oxlint-disable-next-line no-control-regex
      fc.pre(!/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uD800-\uDFFF]/.test(text));
      assert.equal(parseXml(`<a>${escapeXml(text)}</a>`).text, text);
    }),
  );
});
