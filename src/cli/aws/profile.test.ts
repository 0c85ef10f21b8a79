import assert from "node:assert/strict";
import { test } from "node:test";
import { withSection } from "./profile.ts";

const settings = { region: "us-east-1", s3: { addressing_style: "path" } };

test("withSection() makes a section in a file that has none, and behind what others have", () => {
  const section = "[profile canopy]\nregion = us-east-1\ns3 =\n  addressing_style = path\n";
  assert.equal(withSection("", "profile canopy", settings), section);
  assert.equal(
    withSection("[default]\nregion = x", "profile canopy", settings),
    `[default]\nregion = x\n\n${section}`,
  );
});

test("withSection() replaces its settings, with what is indented below them, and keeps all else", () => {
  const before =
    "# mine\n[ profile canopy ] # old\nregion=eu\ns3 =\n  addressing_style = virtual\n  x = 1\noutput = json\n\n[default]\nregion = x\n";
  const once = withSection(before, "profile canopy", settings);
  assert.equal(
    once,
    "# mine\n[ profile canopy ] # old\nregion = us-east-1\ns3 =\n  addressing_style = path\noutput = json\n\n[default]\nregion = x\n",
  );
  assert.equal(withSection(once, "profile canopy", settings), once);
});
