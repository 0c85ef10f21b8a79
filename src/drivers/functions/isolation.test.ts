import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { FunctionRig } from "./testing/function-rig.ts";

const rig = await FunctionRig.open();
after(() => rig.close());

/** Runs a line of a shell inside, and gives what it said and how it ended. */
const shell = `
const { spawnSync } = require("node:child_process");
exports.handler = async ({ run, program = "/bin/sh", flag = "-c" }) => {
  const { status, stdout, stderr } = spawnSync(program, [flag, run], { encoding: "utf8" });
  return { status, said: stdout + stderr };
};`;
const start = (more = {}) => rig.start("node", { "index.js": shell }, more);
type Said = { status: number; said: string };

test("a function sees nothing of its machine but programs, and of others nothing at all", async () => {
  const [one, other] = await Promise.all([start(), start()]);
  const said = async (run: string) => ((await one.call({ run })) as Said).said.trim();
  await other.call({ run: "echo mine > /tmp/secret; sleep 1000 >/dev/null 2>&1 &" });
  assert.equal(await said("ls -A /"), "bin\ndev\netc\nlib\nlib64\nopt\nproc\nsbin\ntmp\nusr\nvar");
  assert.equal(await said("ls -A /tmp /var/task"), "/tmp:\n\n/var/task:\nindex.js");
  assert.match(await said(`ls ${rig.folder}`), /No such file/);
  assert.doesNotMatch(
    await said("ps ax 2>/dev/null; cat /proc/*/cmdline"),
    /canopy-functions|sleep/,
  );
  assert.doesNotMatch(await said("cat /proc/*/environ | tr '\\\\0' '\\\\n'; env"), /CANOPY_SECRET/);
  assert.equal(await said("id -u; id -un"), "993\nsbx_user1051");
  assert.equal(await said("hostname"), "sandbox");
  assert.match(await said("ls /sys /home /root /run /etc/shadow 2>&1 | wc -l"), /^5$/);
  assert.equal(await said("cat /proc/net/dev | grep -c :"), "1");
  await Promise.all([one.end(), other.end()]);
});

test("a function cannot change what it runs from, nor gain rights", async () => {
  const run = await start();
  const fails = async (line: string) =>
    assert.notEqual(((await run.call({ run: line })) as Said).status, 0, line);
  await fails("echo > /var/task/index.js");
  await fails("echo > /var/task/new");
  await fails("echo > /new");
  await fails("echo > /usr/new");
  await fails("echo > /var/runtime/node-runtime.mjs");
  await fails("unshare --user true");
  await fails("mount -t tmpfs none /tmp");
  await fails("mknod /tmp/disk b 8 0");
  await fails("su -c true");
  const status = (
    (await run.call({ run: "grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status" })) as Said
  ).said;
  assert.match(status, /CapEff:\t0{16}\nNoNewPrivs:\t1\nSeccomp:\t2/);
  await run.end();
});

test("system calls that containers may not make are refused, and others are not", async () => {
  const run = await start();
  const script = `
import ctypes, errno, socket, threading
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    libc.syscall(number, *args)
    return errno.errorcode.get(ctypes.get_errno(), "ok")
print(call(435, 0, 0), call(272, 0x10000000), call(321, 0, 0, 0), call(248, 0, 0, 0), call(425, 1, 0), call(39))
try: socket.socket(40, socket.SOCK_STREAM)
except OSError as error: print(errno.errorcode[error.errno])
thread = threading.Thread(target=print, args=("a thread",)); thread.start(); thread.join()
server = socket.create_server(("127.0.0.1", 0)); client = socket.create_connection(server.getsockname()); print("loopback")
`;
  const { said } = (await run.call({ run: script, program: "/usr/bin/python3" })) as Said;
  assert.equal(said, "ENOSYS EPERM EPERM EPERM EPERM ok\nEPERM\na thread\nloopback\n");
  await run.end();
});

test("/tmp has the size that it was given, and a fork bomb ends in its cage", async () => {
  const run = await start({ ephemeralBytes: 8 * 2 ** 20, milliCpus: 500 });
  const full = (await run.call({ run: "head -c 20000000 /dev/zero > /tmp/full" })) as Said;
  assert.match(full.said, /No space left on device/);
  assert.match(((await run.call({ run: "wc -c < /tmp/full" })) as Said).said, /^8388608/);
  const before = execFileSync("/bin/ls", ["/proc"]).toString().split("\n").length;
  const told = await run.call({ run: "bomb() { bomb | bomb & }; bomb; sleep 0.3" }, 1000);
  await run.end();
  const left = execFileSync("/bin/ls", ["/proc"]).toString().split("\n").length;
  assert.ok(left < before + 100, JSON.stringify(told));
});

test("archives that reach out of their folder, or are none, are refused", async () => {
  const script = `
import stat, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1], "w")
kind = sys.argv[2]
if kind == "up": archive.writestr("../out.js", "x")
elif kind == "absolute": archive.writestr("/out.js", "x")
elif kind in ("link-out", "link-in"):
    archive.writestr("lib/real.js", "exports.handler = async () => 'through a link';")
    link = zipfile.ZipInfo("index.js"); link.create_system = 3; link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(link, "../../etc/shadow" if kind == "link-out" else "lib/real.js")
elif kind == "large":
    for part in range(26): archive.writestr(f"part-{part}", b"\\0" * (10 << 20), zipfile.ZIP_DEFLATED)
archive.close()
if kind == "none": open(sys.argv[1], "w").write("no archive")
`;
  const packed = (kind: string) => {
    const path = join(rig.folder, `${kind}.zip`);
    execFileSync("/usr/bin/python3", ["-c", script, path, kind]);
    rig.take(kind, path);
    return rig.start("node", {}, { code: { blob: kind, sizeBytes: 1 } });
  };
  const reasons = {
    up: /invalid relative path: \.\.\/out\.js/,
    absolute: /absolute path: \/out\.js/,
    "link-out": /its links must stay in its folder: 'index\.js' leads to/,
    large: /unpacked it may have \d+ bytes: it has more/,
    none: /Cannot unpack the code of a function/,
  };
  for (const [kind, reason] of Object.entries(reasons))
    assert.match((await (await packed(kind)).ended)!.errorMessage, reason);
  const linked = await packed("link-in");
  assert.equal(await linked.call({}), "through a link");
  await linked.end();
});
